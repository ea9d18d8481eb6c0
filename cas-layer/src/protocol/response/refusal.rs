//! What a server says with a refusal, and how much of it may be repeated.

use zeroize::Zeroizing;

use crate::protocol::document::trim;

/// The longest code that is kept, in bytes.
const MAX_CODE_BYTES: usize = 64;
/// The most words of a server's text that are kept, and the longest of them, in characters.
const MAX_WORDS: usize = 16;
const MAX_WORD_CHARS: usize = 20;
/// How much of a server's text is looked at, in bytes and in words: each word is compared with the whole ticket.
const MAX_TEXT_BYTES: usize = 4 * 1024;
const MAX_WORDS_READ: usize = 64;
/// How tickets of any kind begin.
const TICKET_PREFIXES: [&str; 7] = ["ST-", "PT-", "PGT-", "PGTIOU-", "TGT-", "TGC-", "LT-"];
/// How many characters of the ticket in a row give something of it away in a word, and in a code: a word that is lost for a
/// ticket with `cas` in it is no harm, but by its code a refusal is understood.
const TELLING_IN_WORD: usize = 4;
const TELLING_IN_CODE: usize = 10;

/// A refusal in the server's words. They can quote anything, even a live ticket, so they only leave this
/// type through methods that leave out what could be one.
pub(crate) struct Refusal {
    code: Zeroizing<String>,
    text: Zeroizing<String>,
}

impl Refusal {
    pub(super) fn new(code: &str, text: &str) -> Self {
        Self {
            code: Zeroizing::new(trim(code).to_owned()),
            text: Zeroizing::new(trim(text).to_owned()),
        }
    }

    /// A refusal that has no place of its own for a code: its whole text may be one.
    pub(super) fn in_text(text: &str) -> Self {
        let word = trim(text);
        let is_code = word.len() <= MAX_CODE_BYTES
            && word.contains('_')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        if is_code {
            Self::new(word, "")
        } else {
            Self::new("", word)
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
        if code.len() > MAX_CODE_BYTES {
            return None;
        }
        let is_word = !code.is_empty()
            && code.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ')
            });
        let upper = Zeroizing::new(code.to_ascii_uppercase());
        let is_ticket = TICKET_PREFIXES.iter().any(|prefix| upper.contains(prefix))
            || tells(code, ticket, TELLING_IN_CODE);
        (is_word && !is_ticket).then_some(code)
    }

    /// The text for a log: plain words, with `…` for everything else. Tickets and URLs hold digits, punctuation or
    /// one capital after another in their midst, so none of them is a plain word. Of the ticket just sent no four characters in a row are
    /// repeated, alone or among other letters.
    pub(crate) fn text(&self, ticket: &str) -> String {
        let mut words = Vec::new();
        let text = start_of(&self.text);
        let mut rest = text.split_whitespace();
        for word in rest.by_ref().take(MAX_WORDS_READ) {
            let bare = word.trim_matches(|c: char| c.is_ascii_punctuation());
            let word = if is_plain(bare) && !tells(bare, ticket, TELLING_IN_WORD) {
                bare
            } else {
                "…"
            };
            if word == "…" && words.last() == Some(&"…") {
                continue;
            }
            if words.len() == MAX_WORDS {
                words.push("…");
                break;
            }
            words.push(word);
        }
        let is_cut = rest.next().is_some() || text.len() < self.text.len();
        if is_cut && words.last() != Some(&"…") {
            words.push("…");
        }
        words.join(" ")
    }
}

/// The whole words at the start of a text. Half a ticket may look like a word.
fn start_of(text: &str) -> &str {
    if text.len() <= MAX_TEXT_BYTES {
        return text;
    }
    let end = text
        .char_indices()
        .take_while(|&(at, _)| at <= MAX_TEXT_BYTES)
        .filter(|(_, c)| c.is_whitespace())
        .last()
        .map_or(0, |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Whether this is a word as people write it: `Word`, `word`, `WORD`, or a parameter's `targetService`.
fn is_plain(word: &str) -> bool {
    let new_words = word
        .chars()
        .zip(word.chars().skip(1))
        .filter(|(one, next)| one.is_lowercase() && next.is_uppercase())
        .count();
    !word.is_empty()
        && new_words <= 1
        && word.chars().all(char::is_alphabetic)
        && word.chars().count() <= MAX_WORD_CHARS
}

/// Whether a text has the ticket in it, or that many characters of it in a row.
fn tells(text: &str, ticket: &str, telling: usize) -> bool {
    let (text, ticket) = (text.as_bytes(), ticket.as_bytes());
    contains(text, ticket) || text.windows(telling).any(|part| contains(ticket, part))
}

/// In whatever case. Nothing is in no text.
fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty()
        && text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
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
    fn a_text_is_a_code_if_it_is_one_word_of_capitals_with_an_underscore() {
        let longest = format!("{}_", "A".repeat(63));
        for text in ["INVALID_TICKET", " A_B\n", "_", &longest] {
            let refusal = Refusal::in_text(text);
            assert_eq!(refusal.code(TICKET), Some(text.trim()));
            assert_eq!(refusal.text(TICKET), "");
        }
        for (text, kept) in [
            ("INVALID", "INVALID"),
            ("ticket not found", "ticket not found"),
            ("Not_found", "…"),
            (&*format!("A{longest}"), "…"),
            ("", ""),
        ] {
            let refusal = Refusal::in_text(text);
            assert_eq!(refusal.code(TICKET), None, "{text}");
            assert_eq!(refusal.text(TICKET), kept);
        }
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
            ("ticket QxZaBvRtYp gone", "ticket … gone"),
            ("InvalidTicket QxZaB", "InvalidTicket …"),
            ("INVALID Ticket", "INVALID Ticket"),
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
    fn no_piece_of_the_ticket_is_repeated_wherever_it_stands() {
        for (ticket, text, kept) in [
            ("secret", "xsecret secretx xsecretx", "…"),
            ("secret", "ticket:secret 'secret'... SECRET Secret", "…"),
            ("ST-secretletters", "secretletters unknown", "… unknown"),
            ("ST-secretletters", "xsecretlettersx unknown", "… unknown"),
            ("ST-secretletters", "secretlet unknown", "… unknown"),
            ("ST-secretletters", "xcretlettx unknown", "… unknown"),
            ("ST-secretletters", "secret letters unknown", "… unknown"),
            ("ST-secret-more", "secret and more", "… and …"),
            ("ST-secret.cas.example", "cas at example", "cas at …"),
            ("secret==", "xsecretx unknown", "… unknown"),
            ("a", "a bad idea to try", "… to try"),
            // Words that many a ticket has by chance.
            (
                "ST-theticketisnot",
                "it is not the one",
                "it is not the one",
            ),
        ] {
            assert_eq!(Refusal::new("", text).text(ticket), kept, "{text:?}");
        }
        for (ticket, code, kept) in [
            ("secret", "xSECRETx", false),
            ("PT-secretletters", "A secretletters", false),
            ("PT-1-x.ticket.example.org", "INVALID_TICKET", true),
            ("PGT-INVALID", "INVALID_TICKET", true),
            ("PT-secretletters", "Xsecretlettx", false),
        ] {
            let refusal = Refusal::new(code, "");
            assert_eq!(refusal.code(ticket), kept.then_some(code), "{code}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = Refusal::new("", &"word ".repeat(100_000)).text(TICKET);
        assert_eq!(text, format!("{}…", "word ".repeat(16)));
    }

    /// Every word is compared with the whole ticket.
    #[test]
    fn only_the_start_of_a_text_is_looked_at() {
        let ticket = format!("ST-abcd{}", "x".repeat(2_041));
        for (text, kept) in [
            (format!("{}end", "abcd ".repeat(63)), "… end"),
            (format!("{}end", "abcd ".repeat(64)), "…"),
            (format!("{}end", "abcd ".repeat(50_000)), "…"),
            (format!("word {}", "é".repeat(5_000)), "word …"),
            // Not the half that is within the limit.
            (format!("word{}letters1", " ".repeat(4_088)), "word …"),
        ] {
            assert_eq!(Refusal::new("", &text).text(&ticket), kept);
        }
    }
}
