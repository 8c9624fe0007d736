//! Refusals say in one line what is wrong and what to do, in Japanese and in English, parted by a slash.

/// The Japanese and the English words; of a text in one language, that text twice.
#[must_use]
pub fn both(words: &str) -> (&str, &str) {
    words.split_once("/ ").unwrap_or((words, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_parted_at_its_slash() {
        assert_eq!(
            both("読めません。/ It cannot be read."),
            ("読めません。", "It cannot be read.")
        );
        assert_eq!(both("読めません。"), ("読めません。", "読めません。"));
    }
}
