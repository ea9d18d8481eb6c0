//! Sign-outs in the queue: who has room, whose turn it is, and what is answered.

use super::{waiting::Done, *};
use crate::registry::{LogoutSender, RegistryErrorKind, SourceId, redis::scripts::Lasting};

const NOW: UnixSeconds = 1_700_000_000;
const LONGEST: UnixSeconds = 3_600;

fn id(n: u8) -> SessionId {
    [n; 16].into()
}

fn named(ids: &[u8]) -> Ending {
    named_by(LogoutSender::back_channel(None), ids)
}

fn named_by(sender: LogoutSender, ids: &[u8]) -> Ending {
    Ending::IfOpened {
        ids: ids.iter().map(|&n| id(n)).collect(),
        sender,
        now: NOW,
    }
}

fn source(n: u8) -> SourceId {
    SourceId::of(&n)
}

fn shown(n: u8) -> Ending {
    Ending::Session(Lasting {
        id: id(n),
        expires_at: NOW + LONGEST,
        seconds: LONGEST,
    })
}

fn push(queue: &Queue, ending: Ending, ended: &EndedSessions) -> Result<Ended, RegistryErrorKind> {
    queue
        .push(ending, ended, LONGEST)
        .map_err(|error| error.kind())
}

#[test]
fn sessions_are_counted_not_messages() {
    // 64 of them for the back channel.
    let (queue, ended) = (Queue::new(512), EndedSessions::new());
    push(&queue, named(&[1; 64]), &ended).unwrap();
    // Even one that names nobody.
    assert!(push(&queue, named(&[]), &ended).is_err());
    assert_eq!(queue.len(), 64);
    assert_eq!(queue.next(0, 1).len(), 1);
    queue.finish(1);
    assert_eq!(queue.len(), 0);
    push(&queue, named(&[]), &ended).unwrap();
    assert_eq!(queue.len(), 1);
}

#[test]
fn no_share_takes_room_of_another_nor_of_those_who_show_a_cookie() {
    let (queue, ended) = (Queue::new(512), EndedSessions::new());
    let full = Err(RegistryErrorKind::Full);
    for (sender, room) in [
        (LogoutSender::front_channel(None), 64),
        (LogoutSender::back_channel(None), 64),
        (LogoutSender::listed(None), 128),
    ] {
        for n in 0..room {
            push(&queue, named_by(sender, &[n]), &ended).unwrap();
        }
        let refused = push(&queue, named_by(sender, &[9]), &ended);
        assert_eq!(refused.map(drop), full, "{room}");
    }
    for n in 0..=255 {
        push(&queue, shown(n), &ended).unwrap();
    }
    assert_eq!(push(&queue, shown(9), &ended).map(drop), full);
    assert_eq!(queue.len(), 512);
    // One of each share gets in line in turn.
    let jobs = queue.next(0, 4);
    let senders = jobs.iter().map(|job| job.ending.sender());
    let expected = [
        Some(LogoutSender::app()),
        Some(LogoutSender::back_channel(None)),
        Some(LogoutSender::front_channel(None)),
        None,
    ];
    assert!(senders.eq(expected));
    queue.finish(4);
    assert_eq!(queue.len(), 508);
    for ending in [named(&[10]), shown(11)] {
        push(&queue, ending, &ended).unwrap();
    }
}

#[test]
fn a_source_makes_room_for_another_and_what_it_named_has_not_ended() {
    let (queue, ended) = (Queue::new(512), EndedSessions::new());
    queue.redis_went(&ended, LONGEST);
    let stranger = LogoutSender::back_channel(Some(source(1)));
    let mut flood: Vec<_> = (0..64)
        .map(|n| push(&queue, named_by(stranger, &[n]), &ended).unwrap())
        .collect();
    let more = push(&queue, named_by(stranger, &[64]), &ended);
    assert!(more.is_err());
    let server = LogoutSender::back_channel(Some(source(2)));
    for n in 100..132 {
        push(&queue, named_by(server, &[n]), &ended).unwrap();
        assert!(ended.contain_id(id(n)));
    }
    // In equal parts neither takes from the other.
    assert!(push(&queue, named_by(server, &[132]), &ended).is_err());
    for (n, waiting) in (0..).zip(&mut flood) {
        assert_eq!(ended.contain_id(id(n)), n < 32, "{n}");
        let told = waiting.try_recv().ok();
        let kind = told.map(|told| told.unwrap_err().kind());
        assert_eq!(kind, (n >= 32).then_some(RegistryErrorKind::Full), "{n}");
    }
    assert_eq!((queue.len(), ended.len()), (64, 64));
}

#[test]
fn one_browser_has_room_for_one_message() {
    let (queue, ended) = (Queue::new(100_000), EndedSessions::new());
    let browser = |n| LogoutSender::front_channel(Some(source(n)));
    let message: Vec<u8> = (0..64).collect();
    push(&queue, named_by(browser(1), &message), &ended).unwrap();
    assert!(push(&queue, named_by(browser(1), &[1]), &ended).is_err());
    push(&queue, named_by(browser(2), &message), &ended).unwrap();
    // Servers send many messages.
    for sender in [LogoutSender::back_channel, LogoutSender::listed] {
        for _ in 0..100 {
            push(&queue, named_by(sender(Some(source(1))), &message), &ended).unwrap();
        }
    }
}

#[test]
fn a_batch_ends_at_its_limit_and_has_one_ending_at_least() {
    let (queue, ended) = (Queue::new(100), EndedSessions::new());
    for ending in [named(&[1, 2, 3]), shown(4), shown(5), shown(6)] {
        push(&queue, ending, &ended).unwrap();
    }
    assert_eq!(queue.next(0, 1).len(), 1);
    assert_eq!(queue.next(0, 4).len(), 2);
    assert_eq!(queue.next(1, 100).len(), 3);
    assert!(queue.next(4, 100).is_empty());
    // What has got in line stays where it is.
    push(&queue, named(&[7]), &ended).unwrap();
    let last = queue.next(3, 100);
    assert!(last.len() == 2 && last[1].ending.sender().is_some());
}

#[test]
fn messages_count_here_only_while_redis_is_away_and_what_was_unknown_has_not_ended() {
    let (queue, ended) = (Queue::new(100), EndedSessions::new());
    ended.end(id(3), NOW, NOW);
    push(&queue, named(&[1, 2, 3]), &ended).unwrap();
    assert!(!ended.contain_id(id(1)));
    queue.redis_went(&ended, LONGEST);
    push(&queue, named(&[4]), &ended).unwrap();
    assert!([1, 2, 3, 4].into_iter().all(|n| ended.contain_id(id(n))));
    queue.redis_came();
    push(&queue, named(&[5]), &ended).unwrap();
    assert!(!ended.contain_id(id(5)));

    queue.next(0, 100);
    let answers = [Answer::HadEnded, Answer::Unknown, Answer::Unknown];
    // The third had ended before.
    queue.answered(0, &answers, &ended);
    queue.answered(1, &[Answer::NoRoom], &ended);
    queue.answered(9, &[Answer::Unknown], &ended);
    let left: Vec<u8> = (0..9).filter(|&n| ended.contain_id(id(n))).collect();
    // What found no room in Redis takes none here.
    assert_eq!(left, [1, 3]);
}

#[test]
fn who_waits_is_told_what_came_of_it() {
    let (queue, ended) = (Queue::new(100), EndedSessions::new());
    let endings = [
        named(&[1, 2]),
        named(&[3]),
        shown(4),
        named(&[5]),
        named(&[6]),
    ];
    let mut at = 0;
    let mut waiting = endings.map(|ending| {
        let waiting = push(&queue, ending, &ended).unwrap();
        if at < 4 {
            // In this order.
            assert_eq!(queue.next(at, 1).len(), 1);
        }
        at += 1;
        waiting
    });
    queue.answered(0, &[Answer::HadEnded, Answer::Unknown], &ended);
    queue.answered(1, &[Answer::Unknown], &ended);
    queue.answered(3, &[Answer::NoRoom], &ended);
    // Nothing is to be remembered of the second, so nothing is waited for.
    assert_eq!(queue.forget_unknown(4), 3);
    assert_eq!(waiting[1].try_recv().unwrap().unwrap(), []);
    assert!(waiting[0].try_recv().is_err());
    queue.delay(1, crate::registry::redis::link::away);
    let kind = |told: Done| told.map_err(|error| error.kind());
    assert_eq!(
        kind(waiting[0].try_recv().unwrap()),
        Err(RegistryErrorKind::Unavailable)
    );
    queue.finish(3);
    assert_eq!(waiting[2].try_recv().unwrap().unwrap(), []);
    assert_eq!(
        kind(waiting[3].try_recv().unwrap()),
        Err(RegistryErrorKind::Full)
    );
    assert_eq!(queue.len(), 1);
    assert!(waiting[4].try_recv().is_err());
}

#[test]
fn one_of_several_is_answered_alone_and_stays_in_line() {
    let (queue, ended) = (Queue::new(8), EndedSessions::new());
    let mut waiting = [1, 2, 3].map(|n| push(&queue, shown(n), &ended).unwrap());
    assert_eq!(queue.next(0, 3).len(), 3);
    queue.delay_one(1, crate::registry::redis::link::away);
    assert!(waiting[1].try_recv().unwrap().is_err());
    for n in [0, 2] {
        assert!(waiting[n].try_recv().is_err());
    }
    assert_eq!(queue.len(), 3);
}

#[test]
fn the_sessions_that_wait_are_known() {
    let (queue, ended) = (Queue::new(512), EndedSessions::new());
    for ending in [shown(1), named(&[2, 3])] {
        push(&queue, ending, &ended).unwrap();
    }
    // In line, or not yet.
    queue.next(0, 1);
    assert_eq!(queue.sessions(), [1, 2, 3].map(id).into());
}

fn ended_now() -> Answer {
    Answer::Ended {
        expires_at: NOW + LONGEST,
        family: None,
    }
}

#[test]
fn who_ends_a_session_is_told_so_and_who_finds_it_ended_is_not() {
    let (queue, ended) = (Queue::new(100), EndedSessions::new());
    let mut first = push(&queue, named(&[1, 2, 3, 4]), &ended).unwrap();
    let mut second = push(&queue, named(&[1, 2]), &ended).unwrap();
    queue.next(0, 100);
    let had = Answer::HadEnded;
    queue.answered(
        0,
        &[ended_now(), Answer::EndedEarly, had, Answer::Unknown],
        &ended,
    );
    queue.answered(1, &[had, had], &ended);
    queue.finish(2);
    assert_eq!(first.try_recv().unwrap().unwrap(), [id(1), id(2)]);
    assert_eq!(second.try_recv().unwrap().unwrap(), []);
}

#[test]
fn an_end_whose_answer_was_lost_with_the_connection_counts() {
    let (queue, ended) = (Queue::new(100), EndedSessions::new());
    let mut lost = push(&queue, named(&[1, 2]), &ended).unwrap();
    let mut answered = push(&queue, named(&[3, 4]), &ended).unwrap();
    let mut later = push(&queue, named(&[5]), &ended).unwrap();
    let had = Answer::HadEnded;
    queue.next(0, 4);
    // Replicas have not confirmed this one.
    queue.answered(1, &[ended_now(), had], &ended);
    queue.redis_went(&ended, LONGEST);
    queue.redis_came();
    queue.next(0, 100);
    queue.answered(0, &[had, Answer::Unknown], &ended);
    queue.answered(1, &[had, had], &ended);
    queue.answered(2, &[had], &ended);
    queue.finish(3);
    assert_eq!(lost.try_recv().unwrap().unwrap(), [id(1)]);
    assert_eq!(answered.try_recv().unwrap().unwrap(), [id(3)]);
    assert_eq!(later.try_recv().unwrap().unwrap(), []);
}

/// The connection looks well for a moment after Redis hangs. What came in that moment is in line already.
#[test]
fn a_flood_that_was_in_line_when_redis_went_makes_room_for_others() {
    // 64 sessions of the back channel.
    let (queue, ended) = (Queue::new(256), EndedSessions::new());
    let from = |n| LogoutSender::back_channel(Some(source(n)));
    let mut flood: Vec<_> = (0..64)
        .map(|n| push(&queue, named_by(from(0), &[n]), &ended).unwrap())
        .collect();
    assert_eq!(queue.next(0, 500).len(), 64);
    queue.redis_went(&ended, LONGEST);
    let mut other = push(&queue, named_by(from(1), &[100]), &ended).unwrap();
    assert!(ended.contain_id(id(100)));
    let last = flood.pop().unwrap().try_recv().unwrap();
    assert_eq!(last.unwrap_err().kind(), RegistryErrorKind::Full);
    assert!(flood.iter_mut().all(|waiting| waiting.try_recv().is_err()));
    // Nothing else got lost, and all is asked again.
    queue.redis_came();
    assert_eq!(queue.next(0, 500).len(), 64);
    queue.finish(64);
    assert_eq!(queue.len(), 0);
    assert!(other.try_recv().unwrap().is_ok());
}

#[test]
fn what_goes_for_others_ends_nothing_that_somebody_else_ended() {
    // 64 sessions of the back channel.
    let (queue, ended) = (Queue::new(512), EndedSessions::new());
    queue.redis_went(&ended, LONGEST);
    let stranger = LogoutSender::back_channel(Some(source(1)));
    for n in 0..64 {
        push(&queue, named_by(stranger, &[n]), &ended).unwrap();
    }
    // By somebody who showed the cookie, and by a server that is listed.
    ended.end(id(63), NOW + LONGEST, NOW);
    let listed = LogoutSender::listed(None);
    push(&queue, named_by(listed, &[62]), &ended).unwrap();
    let server = LogoutSender::back_channel(Some(source(2)));
    for n in 100..103 {
        push(&queue, named_by(server, &[n]), &ended).unwrap();
    }
    for n in 61..64 {
        assert_eq!(ended.contain_id(id(n)), n > 61, "{n}");
    }
}

#[test]
fn the_smallest_queue_takes_the_largest_message_of_each_share() {
    let (queue, ended) = (Queue::new(1), EndedSessions::new());
    let message: Vec<u8> = (0..u8::try_from(LogoutRequest::MAX_IDS).unwrap()).collect();
    for sender in [
        LogoutSender::front_channel(Some(source(1))),
        LogoutSender::back_channel(Some(source(1))),
        LogoutSender::listed(Some(source(1))),
    ] {
        push(&queue, named_by(sender, &message), &ended).unwrap();
    }
    push(&queue, shown(1), &ended).unwrap();
}
