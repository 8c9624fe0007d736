// @ts-check
// The texts in both languages, kept by the service worker with everything else.

/** @type {Record<string, string>} */
let words = {};

const LANGUAGE = "sesshu-tablet-language";

/** The language that was chosen on this tablet, or that of the page. */
export function language() {
  const chosen = localStorage.getItem(LANGUAGE) ?? document.documentElement.lang;
  return chosen === "en" ? "en" : "ja";
}

/** @param {"ja" | "en"} chosen */
export async function choose(chosen) {
  localStorage.setItem(LANGUAGE, chosen);
  await load();
}

/** Loads the texts and puts them where the page says. */
export async function load() {
  const answer = await fetch(`/tablet/texts/${language()}`);
  words = await answer.json();
  document.documentElement.lang = language();
  fill(document.body);
  document.title = texts.t("tablet-title");
}

/**
 * @param {ParentNode} root
 */
function fill(root) {
  for (const element of root.querySelectorAll("[data-t]")) {
    element.textContent = texts.t(element.getAttribute("data-t") ?? "");
  }
  for (const element of root.querySelectorAll("[data-aria]")) {
    element.setAttribute("aria-label", texts.t(element.getAttribute("data-aria") ?? ""));
  }
}

export const texts = {
  /**
   * A text, with `{name}` in it replaced.
   * @param {string} id
   * @param {Record<string, string | number>} [variables]
   */
  t(id, variables = {}) {
    let text = words[id] ?? id;
    for (const [name, value] of Object.entries(variables)) text = text.replaceAll(`{${name}}`, String(value));
    return text;
  },
  /** @param {string} id */
  has(id) {
    return id in words;
  },
};
