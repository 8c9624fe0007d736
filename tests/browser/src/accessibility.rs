//! What a screen reader is told, and what axe-core says about it.

use serde_json::Value;
use std::{collections::HashMap, fmt};

/// axe-core, see `vendor/VERSIONS.md`.
pub(crate) const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");

/// `preload: false`: axe must not fetch anything itself, or the page would seem to.
pub(crate) const AXE_RUN: &str = "axe.run(document, {
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag21a', 'wcag22aa'] },
    resultTypes: ['violations'], preload: false,
}).then(found => found.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help, places: nodes.map(node => `${node.html.slice(0, 200)} ${node.failureSummary}`),
})))";

/// A rule of accessibility that a page breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// axe-core's name of the rule, such as `color-contrast`.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// The rule in words.
    pub help: String,
    /// Every element that breaks it, with what to mend.
    pub places: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.rule, self.impact, self.help)?;
        self.places
            .iter()
            .try_for_each(|place| write!(out, "\n    {}", place.replace('\n', "\n    ")))
    }
}

pub(crate) fn violations(found: &Value) -> Vec<Violation> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let violation = |one: &Value| Violation {
        rule: text(&one["id"]),
        impact: text(&one["impact"]),
        help: text(&one["help"]),
        places: one["places"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect(),
    };
    found
        .as_array()
        .into_iter()
        .flatten()
        .map(violation)
        .collect()
}

/// A list of choices longer than this is told by its length: the 47 prefectures say nothing about the page.
const OPTIONS_SHOWN_MAX: usize = 12;

/// States worth telling, in the order told. `false` is silence, but for the few where it says something.
const STATES: &[&str] = &[
    "level", "checked", "pressed", "expanded", "selected", "disabled", "required", "invalid",
    "readonly", "busy", "modal", "live", "focused",
];

/// Fields whose inner parts only repeat the value, or are the browser's own and change with its version and language.
const TOLD_IN_ONE_LINE: &[&str] = &[
    "textbox",
    "searchbox",
    "spinbutton",
    "Date",
    "DateTime",
    "InputTime",
];

/// The tree of `Accessibility.getFullAXTree` as indented lines: `role "name" = "value" [states] (description)`.
///
/// What carries no meaning is left out: ignored nodes, nameless boxes, list bullets, and texts that only repeat the name of
/// the element they stand in.
pub(crate) fn tree(nodes: &Value) -> String {
    let nodes: Vec<&Value> = nodes.as_array().into_iter().flatten().collect();
    let by_id = nodes
        .iter()
        .filter_map(|node| Some((node["nodeId"].as_str()?, *node)))
        .collect();
    let mut lines = String::new();
    if let Some(root) = nodes.first() {
        for element in (Reading { by_id }).elements(root) {
            element.write(0, &mut lines);
        }
    }
    lines
}

/// One line of the tree, and what is under it.
struct Element {
    line: String,
    role: String,
    name: String,
    children: Vec<Element>,
}

struct Reading<'a> {
    by_id: HashMap<&'a str, &'a Value>,
}

impl Reading<'_> {
    /// The node as one element, or, where it means nothing itself, the elements within it.
    fn elements(&self, node: &Value) -> Vec<Element> {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        let name = squeezed(node["name"]["value"].as_str().unwrap_or_default());
        if ["InlineTextBox", "ListMarker", "LineBreak"].contains(&role) {
            return Vec::new();
        }
        let children = node["childIds"].as_array().into_iter().flatten();
        let children = children.filter_map(|id| self.by_id.get(id.as_str()?));
        let children: Vec<Element> = children.flat_map(|child| self.elements(child)).collect();
        // A form without a name is a box to some releases of the browser and a landmark to none.
        let box_only = ["generic", "none", "Section", "MenuListPopup", "form"].contains(&role);
        if node["ignored"] == true || (box_only && name.is_empty()) {
            return children;
        }
        if role == "StaticText" && name.is_empty() {
            return Vec::new();
        }
        vec![Element {
            line: line(node, role, &name),
            role: role.to_owned(),
            children: worth_telling(role, &name, children),
            name,
        }]
    }
}

impl Element {
    fn write(&self, depth: usize, lines: &mut String) {
        lines.push_str(&"  ".repeat(depth));
        lines.push_str(&self.line);
        lines.push('\n');
        self.children
            .iter()
            .for_each(|child| child.write(depth + 1, lines));
    }
}

fn worth_telling(role: &str, name: &str, mut children: Vec<Element>) -> Vec<Element> {
    if TOLD_IN_ONE_LINE.contains(&role) {
        return Vec::new();
    }
    let texts_only = children.iter().all(|child| child.role == "StaticText");
    let texts: Vec<&str> = children.iter().map(|child| child.name.as_str()).collect();
    if texts_only && without_spaces(&texts.concat()) == without_spaces(name) {
        return Vec::new();
    }
    let options = children
        .iter()
        .filter(|child| child.role == "option")
        .count();
    if options > OPTIONS_SHOWN_MAX {
        let line = format!("{options} options");
        children = vec![Element {
            line,
            role: String::new(),
            name: String::new(),
            children: Vec::new(),
        }];
    }
    children
}

fn line(node: &Value, role: &str, name: &str) -> String {
    let mut line = match role {
        "RootWebArea" => "page".to_owned(),
        "StaticText" => "text".to_owned(),
        "LabelText" => "label".to_owned(),
        "Date" | "DateTime" | "InputTime" => role.to_lowercase(),
        _ => role.to_owned(),
    };
    if !name.is_empty() {
        line.push_str(&format!(" {name:?}"));
    }
    let value = &node["value"]["value"];
    // A button's value is the browser's own word, such as "No file chosen".
    if !value.is_null() && value != "" && role != "button" {
        line.push_str(&format!(
            " = {:?}",
            value.as_str().map_or_else(|| value.to_string(), squeezed)
        ));
    }
    // A list item's level is its list's depth, which the indentation shows.
    let states = STATES
        .iter()
        .filter(|&&state| role != "listitem" || state != "level");
    let states: Vec<String> = states.filter_map(|state| told(node, state)).collect();
    if !states.is_empty() && role != "RootWebArea" {
        line.push_str(&format!(" [{}]", states.join(", ")));
    }
    let description = squeezed(node["description"]["value"].as_str().unwrap_or_default());
    if !description.is_empty() {
        line.push_str(&format!(" ({description})"));
    }
    line
}

fn told(node: &Value, state: &str) -> Option<String> {
    let property = node["properties"]
        .as_array()?
        .iter()
        .find(|property| property["name"] == state)?;
    let value = &property["value"]["value"];
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let off_says_something = ["expanded", "pressed", "checked"].contains(&state);
    match text.as_str() {
        "true" => Some(state.to_owned()),
        "false" if off_says_something => Some(format!("not {state}")),
        "false" | "off" | "" => None,
        text => Some(format!("{state} {text}")),
    }
}

/// Runs of white space as one space.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_spaces(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(id: &str, role: &str, name: &str, children: &[&str]) -> Value {
        json!({ "nodeId": id, "role": { "value": role }, "name": { "value": name }, "childIds": children })
    }

    #[test]
    fn boxes_and_repetitions_are_left_out() {
        let mut ignored = node("2", "generic", "", &["3", "5"]);
        ignored["ignored"] = json!(true);
        let mut heading = node("3", "heading", "Today's  list", &["4"]);
        heading["properties"] = json!([{ "name": "level", "value": { "value": 1 } }]);
        let nodes = json!([
            node("1", "RootWebArea", "Sesshu", &["2"]),
            ignored,
            heading,
            node("4", "StaticText", "Today's list", &["9"]),
            node("9", "InlineTextBox", "Today's list", &[]),
            node("5", "paragraph", "", &["6", "7"]),
            node("6", "StaticText", "3 of ", &[]),
            node("7", "link", "12", &["8"]),
            node("8", "StaticText", "12", &[]),
        ]);
        let expected = "\
page \"Sesshu\"
  heading \"Today's list\" [level 1]
  paragraph
    text \"3 of\"
    link \"12\"
";
        assert_eq!(tree(&nodes), expected);
    }

    #[test]
    fn long_lists_of_choices_are_counted() {
        let ids: Vec<String> = (0..47).map(|id| format!("o{id}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut nodes = vec![node("1", "combobox", "Prefecture", &ids)];
        nodes.extend(ids.iter().map(|id| node(id, "option", id, &[])));
        assert_eq!(
            tree(&json!(nodes)),
            "combobox \"Prefecture\"\n  47 options\n"
        );
    }
}
