//! What the fuzz targets call: what Redis sends, as far as it is text.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is what a fuzz target reports"
)]

use redis::Value;

use super::{
    address::Address,
    entry_id::EntryId,
    info::ServerInfo,
    pages::first_entry,
    scripts::{self, Answer, EndedFamily},
    stream::Entry,
};
use crate::registry::{EndedSessions, RegisteredSession};

/// Lines of a page of the stream, which are also the answers of a script, what Redis says about itself, and its URL. And a page
/// as Redis sends it.
pub fn redis_answers(data: &[u8]) {
    let mut page = data;
    while let Some((_, len)) = first_entry(page) {
        page = &page[len..];
    }
    let text = String::from_utf8_lossy(data);
    let ended = EndedSessions::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let id = words.next().unwrap_or_default();
        let fields: Vec<&str> = words.collect();
        if let Some(id) = EntryId::parse(id) {
            assert_eq!(EntryId::parse(&id.to_string()), Some(id));
            entry(id, &fields, &ended);
        }
    }
    answers(&text);
    let info = ServerInfo::parse(&text);
    assert!(info.instance.len() <= 32);
    let _ = info.check(false);
    if let Ok(address) = Address::parse(&text) {
        let servers = address.servers();
        assert!(!servers.is_empty());
        assert!(servers.iter().all(|it| !it.host.is_empty()));
    }
}

fn entry(id: EntryId, fields: &[&str], ended: &EndedSessions) {
    let Some(entry) = Entry::parse(id, fields) else {
        return;
    };
    assert_eq!(Entry::parse(id, &of(entry)), Some(entry));
    // Those of a later version have more.
    let more = [&["later", "1"][..], fields].concat();
    let is_known = fields.iter().step_by(2).any(|name| *name == "later");
    assert!(is_known || Entry::parse(id, &more) == Some(entry));
    entry.apply(ended, ended.run_time().at(1_795_000_000));
    match entry {
        Entry::Session { id, .. } => assert!(ended.contain_id(id)),
        Entry::Account {
            account, number, ..
        } => {
            let marks = ended.accounts();
            let mark = marks.iter().find(|(known, ..)| *known == account);
            assert!(mark.is_some_and(|(_, known, _)| *known >= number));
            // An account of another name stays.
            let other = RegisteredSession::new([1; 16].into(), 0, 0, "https://cas", "nobody");
            assert!(!ended.contain(&other));
        }
    }
}

/// The fields of an entry, as the scripts write them.
fn of(entry: Entry) -> Vec<String> {
    let fields = match entry {
        Entry::Session { id, expires_at } => {
            vec![("s", id.to_string()), ("x", expires_at.to_string())]
        }
        Entry::Account {
            account,
            number,
            expires_at,
        } => vec![
            ("a", account.to_string()),
            ("n", number.to_string()),
            ("x", expires_at.to_string()),
        ],
    };
    let both = fields
        .into_iter()
        .map(|(name, value)| [name.to_owned(), value]);
    both.flatten().collect()
}

fn answers(text: &str) {
    let reply = |lines: &[String]| {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec());
        Value::Array(lines.map(Value::BulkString).collect())
    };
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Ok(read) = scripts::answers(reply(&lines)) else {
        return;
    };
    assert_eq!(read.len(), lines.len());
    let written: Vec<String> = read.iter().map(line_of).collect();
    assert_eq!(scripts::answers(reply(&written)).ok(), Some(read));
}

fn line_of(answer: &Answer) -> String {
    match answer {
        Answer::HadEnded => "had-ended".to_owned(),
        Answer::Unknown => "unknown".to_owned(),
        Answer::NoRoom => "no-room".to_owned(),
        Answer::EndedEarly => "ended-early".to_owned(),
        Answer::Kept { expires_at } => format!("kept {expires_at}"),
        Answer::Ended { expires_at, family } => match family {
            None => format!("ended {expires_at}"),
            Some(EndedFamily {
                id,
                expires_at: last,
            }) => format!("ended {expires_at} {id} {last}"),
        },
    }
}
