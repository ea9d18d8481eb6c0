use std::time::UNIX_EPOCH;

use super::*;

const NEWS: bool = true;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn order(rests: &Rests, seconds: u64) -> Vec<usize> {
    let (first, mut others) = rests.order(at(seconds));
    others.insert(0, first);
    others
}

/// A request that fails.
fn fail(rests: &Rests, node: usize, seconds: u64) -> bool {
    rests.failed(node, rests.answers(node), at(seconds))
}

#[test]
fn the_first_node_that_does_not_rest_is_asked_first() {
    let rests = Rests::of(3);
    assert_eq!(order(&rests, 0), [0, 1, 2]);
    assert_eq!(fail(&rests, 0, 0), NEWS);
    assert_eq!(order(&rests, 1), [1, 2, 0]);
    assert_eq!(fail(&rests, 1, 1), NEWS);
    assert_eq!(order(&rests, 2), [2, 0, 1]);
    // It is known already.
    assert_eq!(fail(&rests, 0, 2), !NEWS);
    // An answer ends a rest at once.
    assert_eq!(rests.answered(1, at(9)), Some(Duration::from_secs(8)));
    assert_eq!(rests.answered(1, at(9)), None);
    assert_eq!(order(&rests, 9), [1, 2, 0]);
}

#[test]
fn where_all_rest_the_one_that_answered_last_comes_first() {
    let rests = Rests::of(3);
    rests.answered(1, at(0));
    for node in 0..3 {
        fail(&rests, node, 1);
    }
    assert_eq!(order(&rests, 2), [1, 0, 2]);
}

#[test]
fn after_its_rest_one_request_finds_out_whether_a_node_is_back() {
    let rests = Rests::of(2);
    fail(&rests, 0, 0);
    assert_eq!(order(&rests, 29), [1, 0]);
    assert_eq!(order(&rests, 30), [0, 1]);
    // While it is asked, and after it has failed again.
    assert_eq!(order(&rests, 31), [1, 0]);
    assert_eq!(fail(&rests, 0, 33), !NEWS);
    assert_eq!(order(&rests, 62), [1, 0]);
    assert_eq!(order(&rests, 63), [0, 1]);
    assert_eq!(rests.answered(0, at(64)), Some(Duration::from_secs(64)));
    assert_eq!(order(&rests, 64), [0, 1]);
    assert_eq!(order(&rests, 64), [0, 1]);
}

#[test]
fn a_node_that_answers_others_does_not_rest() {
    let rests = Rests::of(2);
    let answers = rests.answers(0);
    rests.answered(0, at(1));
    assert_eq!(rests.failed(0, answers, at(2)), !NEWS);
    assert_eq!(order(&rests, 2), [0, 1]);
}

#[test]
fn a_clock_that_is_set_back_makes_no_rest_longer() {
    let rests = Rests::of(2);
    fail(&rests, 0, 1_000);
    assert_eq!(order(&rests, 0), [0, 1]);
    assert_eq!(order(&rests, 1), [1, 0]);
    assert_eq!(rests.answered(0, at(0)), Some(Duration::ZERO));
}

#[test]
fn a_server_without_further_nodes_never_rests() {
    let rests = Rests::of(1);
    assert_eq!(fail(&rests, 0, 0), !NEWS);
    assert_eq!(order(&rests, 0), [0]);
    assert_eq!(rests.answered(0, at(1)), None);
}
