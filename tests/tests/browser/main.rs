//! Signing in and out in headless Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod accessibility;
mod chromium;
mod confirmation;
mod driver;
mod forms;
mod frames;
mod htmx;
mod journeys;
mod pages;
mod single_logout;

use std::{process::ExitCode, sync::Arc};

use cas_layer_tests::suite::{AXE, CHROMEDRIVER, DJANGO_URL, leave_out, run, trial, variable};
use driver::Driver;

/// One test for each function, with the driver that they share.
macro_rules! tests {
    ($driver:expr => $($module:ident::$name:ident),+ $(,)?) => {
        vec![$({
            let driver = $driver.clone();
            trial(stringify!($name), async move || {
                $module::$name(&driver.expect("a driver")).await;
            })
        }),+]
    };
}

fn main() -> ExitCode {
    let program = variable(CHROMEDRIVER);
    let driver = program.map(|program| Arc::new(Driver::start(&program)));
    let mut trials = tests![driver =>
        journeys::a_user_signs_in_sees_their_profile_and_signs_out,
        journeys::a_deep_link_with_its_query_survives_the_sign_in,
        journeys::the_back_button_does_not_bring_the_profile_back,
        journeys::two_tabs_sign_in_at_once,
        journeys::twenty_tabs_sign_in_at_once_and_each_shows_its_own_page,
        journeys::thirty_five_tabs_sign_in_at_once_where_only_the_newest_ticket_counts,
        journeys::a_second_service_knows_the_user_of_the_demo,
        journeys::one_button_signs_out_of_all_devices,
        single_logout::signing_out_at_the_cas_server_ends_the_session_through_the_browser,
        confirmation::a_user_who_is_new_to_the_browser_confirms_their_name,
        confirmation::a_page_of_a_sibling_cannot_frame_the_question,
        confirmation::a_confirmation_leads_to_wherever_the_app_sends_its_users,
        accessibility::no_page_is_wider_than_a_narrow_screen_in_any_language,
        pages::a_used_up_ticket_is_refused,
        pages::a_cas_server_that_is_away_is_named,
        pages::a_browser_without_cookies_is_told_so_after_one_retry,
        pages::a_browser_that_drops_the_session_cookie_is_told_so,
        pages::a_form_sent_without_a_session_leads_to_the_login,
        forms::a_form_sent_after_the_session_has_ended_loses_nothing,
        frames::a_user_signs_in_and_out_in_a_frame_of_a_portal,
        frames::a_sign_in_in_a_frame_without_the_setting_leads_to_nothing,
        frames::a_session_at_a_cas_server_that_cannot_be_framed_is_enough,
        frames::a_site_that_is_not_named_cannot_frame_the_app,
        frames::a_sign_in_in_a_frame_of_a_site_that_is_not_named_shows_nothing,
        frames::a_form_of_another_site_has_no_session_in_a_tab_or_a_frame,
        htmx::a_button_of_htmx_leads_to_the_sign_in_and_back_to_its_page,
        htmx::a_boosted_link_of_htmx_leads_to_its_page_through_the_sign_in,
    ];
    let with_django = tests![driver => journeys::a_user_signs_in_and_out_at_django_cas_server];
    let with_axe =
        tests![driver => accessibility::every_page_is_accessible_on_a_narrow_screen_in_any_colours];
    if driver.is_none() {
        trials.extend(with_django);
        trials.extend(with_axe);
        return leave_out("headless Chromium", CHROMEDRIVER, &trials);
    }
    if variable(AXE).is_some() {
        trials.extend(with_axe);
    } else {
        let _ = leave_out("axe in headless Chromium", AXE, &with_axe);
    }
    if variable(DJANGO_URL).is_some() {
        trials.extend(with_django);
    } else {
        let _ = leave_out(
            "headless Chromium at django-cas-server",
            DJANGO_URL,
            &with_django,
        );
    }
    run(trials)
}
