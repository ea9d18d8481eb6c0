//! Random spellings of paths, against servers that read them in ways of their own.

mod app;
mod path;
mod reader;

use cas_layer::{Access, Paths};
use libtest_mimic::{Failed, Trial};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::runtime::Runtime;

use self::{
    app::{Apps, Layer, VISITORS, get, stacks},
    path::{NAMES, Page, Spelling},
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "nobody_whom_a_path_turns_away_gets_in_by_another_spelling_of_it",
            nobody_gets_in_by_another_spelling,
        ),
        Trial::test(
            "no_spelling_of_a_return_path_leads_out_of_the_app_or_to_an_endpoint",
            no_return_path_leads_elsewhere,
        ),
    ]
}

/// Tries `cases` values. A failure names the smallest value that fails; nothing is written to disk.
fn check<S: Strategy>(
    cases: u32,
    values: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) -> Result<(), Failed> {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(values, test)
        .map_err(|error| error.to_string().into())
}

/// Which pages ask what, in the manner of people who write rules: in plain spellings.
fn rules() -> impl Strategy<Value = Vec<(Paths, Access)>> {
    let access = select(vec![
        Access::public(),
        Access::optional(),
        Access::gateway(),
        Access::required(),
        Access::required().any_of("memberOf", ["admins"]),
        Access::required().any_of("memberOf", ["staff"]),
        Access::required().all_of("memberOf", ["admins", "staff"]),
    ]);
    let names = || vec(select(&NAMES), 0..=3).prop_map(|names| format!("/{}", names.join("/")));
    let pattern = vec(prop_oneof![3 => select(&NAMES), 1 => Just("{any}")], 1..=3);
    let paths = prop_oneof![
        names().prop_map(Paths::exact),
        names().prop_map(Paths::prefix),
        pattern.prop_map(|names| Paths::pattern(format!("/{}", names.join("/")))),
    ];
    vec((paths, access), 0..=5)
}

fn nobody_gets_in_by_another_spelling() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let apps = runtime.block_on(Apps::start());
    let values = (
        select(&app::PREFIXES),
        select(&Layer::ALL),
        rules(),
        vec((any::<Page>(), any::<Spelling>()), 12),
    );
    check(64, &values, |(prefix, layer, rules, spelled)| {
        runtime.block_on(async {
            for (name, stack) in stacks(&apps, prefix, layer, &rules) {
                for (page, spelling) in &spelled {
                    let target = spelling.of(prefix, page);
                    for (cookie, (visitor, _)) in apps.sessions(prefix).zip(VISITORS) {
                        let Some(shown) = get(&stack, &target, cookie).await.page else {
                            continue;
                        };
                        let plain = get(&stack, &format!("{prefix}{shown}"), cookie).await;
                        if plain.page.as_ref() != Some(&shown) {
                            return Err(TestCaseError::fail(format!(
                                "{name}: {target} shows {shown} to {}, whom it turns away with {}",
                                visitor, plain.status
                            )));
                        }
                    }
                }
            }
            Ok(())
        })
    })
}

fn no_return_path_leads_elsewhere() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let apps = runtime.block_on(Apps::start());
    let endpoint = select(&["login", "logout", "logout_callback", "page"]);
    let values = (
        select(&app::PREFIXES),
        any::<Page>(),
        endpoint,
        any::<Spelling>(),
        any::<bool>(),
    );
    check(
        2_000,
        &values,
        |(prefix, page, last, spelling, is_short)| {
            let page = if is_short {
                page.replaced_by(last)
            } else {
                page.followed_by(last)
            };
            let next = spelling.of("", &page);
            let query = form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
            let target = format!("{prefix}/login?next={query}");
            let stack = apps.plain(prefix);
            let answer = runtime.block_on(get(stack, &target, apps.alice(prefix)));
            if answer.status != 302 {
                return Err(TestCaseError::fail(format!("{next}: {}", answer.status)));
            }
            match reader::complaint(prefix, &answer.location) {
                None => Ok(()),
                Some(complaint) => Err(TestCaseError::fail(format!(
                    "{next} leads to {}: {complaint}",
                    answer.location
                ))),
            }
        },
    )
}
