//! Pages, and how their paths may be spelled.

use proptest::{
    arbitrary::Arbitrary,
    collection::vec,
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::{Index, select},
};

/// What paths consist of, in rules and in requests.
pub(super) const NAMES: [&str; 4] = ["admin", "docs", "a", "page"];

/// The plain path of a page below the app URL, as segments.
#[derive(Clone, Debug)]
pub(super) struct Page(Vec<&'static str>);

impl Page {
    /// Every page there is.
    pub(super) fn all() -> Vec<String> {
        let mut directories = vec![String::new()];
        for _ in 0..2 {
            let below = |directory: &String| {
                let names = NAMES[..3].iter();
                names
                    .map(|name| format!("{directory}/{name}"))
                    .collect::<Vec<_>>()
            };
            directories.extend(directories.iter().flat_map(below).collect::<Vec<_>>());
        }
        directories.sort();
        directories.dedup();
        directories
            .into_iter()
            .map(|directory| format!("{directory}/page"))
            .collect()
    }

    pub(super) fn followed_by(mut self, name: &'static str) -> Self {
        self.0.push(name);
        self
    }

    pub(super) fn replaced_by(mut self, name: &'static str) -> Self {
        self.0 = vec![name];
        self
    }
}

impl Arbitrary for Page {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        vec(select(&NAMES[..3]), 0..=2)
            .prop_map(|names| Self(names).followed_by("page"))
            .boxed()
    }
}

/// What is done to a plain path, one after another.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    changes: Vec<(Index, Change)>,
    end: &'static str,
    /// Whether the app's own path is left out.
    is_short: bool,
}

#[derive(Clone, Debug)]
enum Change {
    UpperCase,
    /// A letter, encoded so many times.
    Encoded(Index, usize),
    Before(&'static str),
    After(&'static str),
    /// Instead of the slash before it.
    Separator(&'static str),
}

impl Arbitrary for Spelling {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let before = select(&[
            "%20", "%C2%A0", ".", "x/../", "./", "../", "..%2f", "%2e%2e/",
        ]);
        let after = select(&[
            ".", "..", "%20", ".%20", "%2e", "%c2%a0", ";x", "%3bx", "%00", "%2520",
        ]);
        let separator = select(&[
            "//", "/./", "%2f", "%252f", "\\", "%5c", "/%2e/", "/.%20/", "/%20/", "/x/../", "/;/",
            "/x/..;/", "/x\\..\\",
        ]);
        let change = prop_oneof![
            Just(Change::UpperCase),
            (any::<Index>(), 1_usize..=4).prop_map(|(at, times)| Change::Encoded(at, times)),
            before.prop_map(Change::Before),
            after.prop_map(Change::After),
            separator.prop_map(Change::Separator),
        ];
        let end = select(&["", "", "/", "/.", "//", "%2f", "/%20", "\\"]);
        (vec((any::<Index>(), change), 0..=3), end, any::<bool>())
            .prop_map(|(changes, end, is_short)| Self {
                changes,
                end,
                is_short,
            })
            .boxed()
    }
}

impl Spelling {
    /// The path of a page of the app below `prefix` in this spelling.
    pub(super) fn of(&self, prefix: &str, page: &Page) -> String {
        let prefix = if self.is_short { "" } else { prefix };
        let names = prefix.split('/').filter(|name| !name.is_empty());
        let names = names.chain(page.0.iter().copied());
        let mut segments: Vec<(String, String)> = names
            .map(|name| ("/".to_owned(), name.to_owned()))
            .collect();
        for (at, change) in &self.changes {
            let (separator, name) = at.get_mut(&mut segments);
            match change {
                Change::UpperCase => *name = name.to_ascii_uppercase(),
                Change::Encoded(at, times) => {
                    if let Some((index, letter)) = letter(name, *at) {
                        let code = format!("%{}{:02x}", "25".repeat(times - 1), u32::from(letter));
                        name.replace_range(index..=index, &code);
                    }
                }
                Change::Before(text) => name.insert_str(0, text),
                Change::After(text) => name.push_str(text),
                Change::Separator(text) => (*text).clone_into(separator),
            }
        }
        let path: String = segments
            .into_iter()
            .map(|(slash, name)| slash + &name)
            .collect();
        // A request line begins with a slash in any case.
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{slash}{path}{}", self.end)
    }
}

/// One of the plain letters of a name that may be encoded in part.
fn letter(name: &str, at: Index) -> Option<(usize, char)> {
    let mut letters = name
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_lowercase());
    let count = letters.clone().count();
    (count > 0).then(|| letters.nth(at.index(count)))?
}
