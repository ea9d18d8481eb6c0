//! What a server says with a refusal, and how much of it may be repeated.

/// The longest code that is kept, in bytes.
const MAX_CODE_BYTES: usize = 64;
/// The most words of a server's text that are kept, and the longest of them, in characters.
const MAX_WORDS: usize = 16;
const MAX_WORD_CHARS: usize = 20;
/// How tickets of any kind begin.
const TICKET_PREFIXES: [&str; 7] = ["ST-", "PT-", "PGT-", "PGTIOU-", "TGT-", "TGC-", "LT-"];

/// A refusal in the server's words. They can quote anything, even a live ticket, so they only leave this
/// type through methods that leave out what could be one.
pub(crate) struct Refusal {
    code: String,
    text: String,
}

impl Refusal {
    pub(super) fn new(code: &str, text: &str) -> Self {
        Self {
            code: super::trim(code).to_owned(),
            text: super::trim(text).to_owned(),
        }
    }

    /// The refusal of CAS 1.
    pub(super) fn without_words() -> Self {
        Self::new("", "")
    }

    /// The code, such as `INVALID_TICKET`: any word up to 64 bytes that is no ticket (CAS protocol 2.5.3;
    /// servers add their own). `ticket` is the one just sent, of whatever kind.
    pub(crate) fn code(&self, ticket: &str) -> Option<&str> {
        let code = self.code.as_str();
        let is_word = !code.is_empty()
            && code.len() <= MAX_CODE_BYTES
            && code.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ')
            });
        let upper = code.to_ascii_uppercase();
        let is_ticket =
            code.contains(ticket) || TICKET_PREFIXES.iter().any(|prefix| upper.contains(prefix));
        (is_word && !is_ticket).then_some(code)
    }

    /// The text for a log: plain words, with `…` for everything else. Tickets and URLs hold digits or
    /// punctuation, so none of them is a plain word; the ticket just sent is compared as well.
    pub(crate) fn text(&self, ticket: &str) -> String {
        let bare_ticket = bare(ticket);
        let mut words = Vec::new();
        for word in self.text.split_whitespace() {
            let bare = bare(word);
            let is_plain = bare.chars().all(char::is_alphabetic)
                && bare.chars().count() <= MAX_WORD_CHARS
                && !bare.is_empty()
                && bare != bare_ticket;
            let word = if is_plain { bare } else { "…" };
            if word == "…" && words.last() == Some(&"…") {
                continue;
            }
            if words.len() == MAX_WORDS {
                words.push("…");
                break;
            }
            words.push(word);
        }
        words.join(" ")
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_ascii_punctuation())
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    const TICKET: &str = "ST-1-abc";

    #[test]
    fn a_code_is_kept_unless_it_is_long_odd_or_a_ticket() {
        let longest = "A".repeat(64);
        for code in ["INVALID_TICKET", "X_NEW.code-1", "two words", &longest] {
            assert_eq!(Refusal::new(code, "").code(TICKET), Some(code));
        }
        let too_long = "A".repeat(65);
        for code in [
            "",
            "ST-1-abc",
            "XST-1-abcX",
            "pgt-1",
            "a<b>",
            "a\nb",
            "é",
            &too_long,
        ] {
            assert_eq!(Refusal::new(code, "").code(TICKET), None, "{code:?}");
        }
        assert_eq!(Refusal::new("ABC_abc", "").code("abc"), None);
    }

    #[test]
    fn the_text_of_a_refusal_keeps_its_words_and_nothing_like_a_ticket() {
        for (text, kept) in [
            ("ticket not found", "ticket not found"),
            (
                "PT-uGkqCEiod2PGXyjOW22djEio6pqRR84ituIhp0IrMLRIZyhVqTRdNtfliJhJ7",
                "…",
            ),
            ("PGT PGT-Gs6ZFDAKlGa0ecc5MW not found", "PGT … not found"),
            (
                "Ticket 'ST-1-abc' not recognized.",
                "Ticket … not recognized",
            ),
            ("http://127.0.0.1:43117/app/other", "…"),
            (
                "a\r\n[ERROR] forged line 1\u{1b}[31m",
                "a ERROR forged line …",
            ),
            ("<&>\"'", "…"),
            ("Билет не найден", "Билет не найден"),
            ("ALongLetterTicketWithNoDigits gone", "… gone"),
            ("1 2 3 four", "… four"),
            ("", ""),
        ] {
            assert_eq!(Refusal::new("", text).text(TICKET), kept, "{text:?}");
        }
    }

    #[test]
    fn the_ticket_just_sent_is_removed_even_when_it_looks_like_a_word() {
        assert_eq!(
            Refusal::new("", "ticket 'secret' unknown").text("secret"),
            "ticket … unknown"
        );
        assert_eq!(
            Refusal::new("", "artifact 'secret==' unknown").text("secret=="),
            "artifact … unknown"
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = Refusal::new("", &"word ".repeat(100_000)).text(TICKET);
        assert_eq!(text, format!("{}…", "word ".repeat(16)));
    }
}
