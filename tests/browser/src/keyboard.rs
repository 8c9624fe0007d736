//! Keys as a keyboard sends them.

use serde_json::{Value, json};

const ALT: u8 = 1;
const CONTROL: u8 = 2;
const SHIFT: u8 = 8;

/// The down and up events of one key, `"Enter"`, `"a"` or `"Shift+Tab"`; `None` for a name that no key has.
pub(crate) fn stroke(name: &str) -> Option<[Value; 2]> {
    let mut modifiers = 0;
    let mut key = name;
    while let Some((modifier, rest)) = key.split_once('+').filter(|(_, rest)| !rest.is_empty()) {
        modifiers |= match modifier {
            "Shift" => SHIFT,
            "Control" => CONTROL,
            "Alt" => ALT,
            _ => return None,
        };
        key = rest;
    }
    let (key, code, number, text) = described(key)?;
    let mut down = json!({
        "type": "keyDown", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
    });
    let up = json!({
        "type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
    });
    if !text.is_empty() && modifiers & (CONTROL | ALT) == 0 {
        down["text"] = text.into();
    }
    if key == "a" && modifiers == CONTROL {
        // The browser's own shortcuts are not run by mere key events; the editing ones are when named.
        down["commands"] = json!(["selectAll"]);
    }
    Some([down, up])
}

/// (key, code, virtual key number, text it writes).
fn described(key: &str) -> Option<(String, String, u32, String)> {
    let named = |code: &str, number, text: &str| {
        Some((key.to_owned(), code.to_owned(), number, text.to_owned()))
    };
    match key {
        "Enter" => named("Enter", 13, "\r"),
        "Tab" => named("Tab", 9, ""),
        "Escape" => named("Escape", 27, ""),
        "Backspace" => named("Backspace", 8, ""),
        "Delete" => named("Delete", 46, ""),
        "PageUp" => named("PageUp", 33, ""),
        "PageDown" => named("PageDown", 34, ""),
        "End" => named("End", 35, ""),
        "Home" => named("Home", 36, ""),
        "ArrowLeft" => named("ArrowLeft", 37, ""),
        "ArrowUp" => named("ArrowUp", 38, ""),
        "ArrowRight" => named("ArrowRight", 39, ""),
        "ArrowDown" => named("ArrowDown", 40, ""),
        "Space" => Some((" ".to_owned(), "Space".to_owned(), 32, " ".to_owned())),
        _ => {
            let mut letters = key.chars();
            let letter = letters.next().filter(|_| letters.next().is_none())?;
            let upper = letter.to_ascii_uppercase();
            let code = match upper {
                '0'..='9' => format!("Digit{upper}"),
                'A'..='Z' => format!("Key{upper}"),
                _ => String::new(),
            };
            // The number of a letter or digit key is its ASCII code; other signs are told apart by their text.
            let number = if code.is_empty() { 0 } else { u32::from(upper) };
            Some((letter.to_string(), code, number, letter.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_writes_itself() {
        let [down, up] = stroke("7").unwrap();
        assert_eq!(
            (&down["code"], &down["text"], &down["windowsVirtualKeyCode"]),
            (&json!("Digit7"), &json!("7"), &json!(55))
        );
        assert!(up["text"].is_null());
    }

    #[test]
    fn modifiers_are_held() {
        assert_eq!(stroke("Shift+Tab").unwrap()[0]["modifiers"], 8);
        assert!(stroke("Control+a").unwrap()[0]["text"].is_null());
        assert_eq!(stroke("+").unwrap()[0]["text"], "+");
    }

    #[test]
    fn no_key_has_another_name() {
        assert!(stroke("Return").is_none());
        assert!(stroke("Meta+x").is_none());
        assert!(stroke("").is_none());
    }
}
