({
  /** All elements of a selector: CSS, or `text=…` for what can be pressed and reads exactly so. */
  all(selector) {
    if (!selector.startsWith('text=')) return [...document.querySelectorAll(selector)];
    const wanted = selector.slice('text='.length);
    const pressable = 'a, button, summary, label, input[type=submit], input[type=button], [role=button], [role=link], [role=tab]';
    const reading = element => (element.innerText || element.value || element.getAttribute('aria-label') || '').trim();
    return [...document.querySelectorAll(pressable)].filter(element => reading(element) === wanted && this.visible(element));
  },
  visible(element) {
    return element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  },
  count(selector) {
    return this.all(selector).length;
  },
  shown(selector) {
    return this.all(selector).some(element => this.visible(element));
  },
  one(selector) {
    const found = this.all(selector);
    if (found.length !== 1) throw new Error(`${selector} matches ${found.length} elements`);
    return found[0];
  },
  /** The middle of the element, or why it cannot be used: `{x, y}` or `{not: reason}`. */
  place(selector) {
    // What is not all there yet moves under the finger.
    if (document.readyState !== 'complete') return { not: 'on a page that is all there' };
    const found = this.all(selector);
    if (found.length === 0) return { not: 'there' };
    if (found.length > 1) return { not: `alone: ${found.length} elements match` };
    const element = found[0];
    if (!this.visible(element)) return { not: 'visible' };
    if (element.matches(':disabled, [aria-disabled=true]')) return { not: 'enabled' };
    element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    // A link that runs over two lines has an empty middle; its first line will do.
    const box = element.getClientRects()[0];
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const top = document.elementFromPoint(x, y);
    if (!top || !element.contains(top)) return { not: `free: ${top ? top.outerHTML.slice(0, 120) : 'the window'} covers it` };
    return { x, y };
  },
})
