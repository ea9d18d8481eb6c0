//! `tower_sessions`

use cas_layer_tests::{
    flow::PASSWORD,
    visitor::{Visitor, answer},
};
use http::Method;

use crate::program::Program;

/// Leads to the front page by way of a sign-in, and asks the app for nothing on the way there.
const SIGN_IN: &str = "/login?next=/";

struct Shop(Program);

impl Shop {
    async fn open() -> Self {
        Self(Program::start_for(&["alice", "bob"], "tower_sessions", &[]).await)
    }

    /// Signs in, and returns the front page.
    async fn sign_in(&self, visitor: &Visitor, user: &str) -> String {
        self.0.sign_in_as(visitor, SIGN_IN, user).await.body
    }

    async fn sign_out(&self, visitor: &Visitor) {
        let page = visitor.open(&self.0.at("/logout")).await;
        assert_eq!(page.url.path(), "/logout_callback", "{}", page.body);
    }

    async fn front_page(&self, visitor: &Visitor) -> String {
        visitor.open(&self.0.at("/")).await.body
    }

    async fn add(&self, visitor: &Visitor, item: &str) -> u16 {
        let url = self.0.at(&format!("/basket/{item}"));
        answer(visitor.request(Method::POST, &url))
            .await
            .status
            .as_u16()
    }

    /// The identifier of the visitor's session of tower-sessions.
    fn id(&self, visitor: &Visitor) -> Option<String> {
        let mut cookies = visitor.cookies(&self.0.at("/")).into_iter();
        cookies.find(|(name, _)| name == "id").map(|(_, id)| id)
    }

    async fn log_out_everywhere(&self, user: &str, sessions: usize) {
        let report = self.0.cas.log_out(user).await;
        assert_eq!((report.sent, report.accepted), (sessions, sessions));
    }
}

#[tokio::test]
async fn a_basket_is_gone_when_its_user_signs_out() {
    let shop = Shop::open().await;
    let visitor = Visitor::new();
    assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: ");
    assert_eq!(shop.add(&visitor, "tea").await, 204);
    assert_eq!(shop.add(&visitor, "milk").await, 204);
    assert_eq!(shop.front_page(&visitor).await, "alice: tea, milk");

    shop.sign_out(&visitor).await;
    assert_eq!(shop.front_page(&visitor).await, "nobody: ");
    assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: ");

    // Without a look at the app in between.
    assert_eq!(shop.add(&visitor, "tea").await, 204);
    shop.sign_out(&visitor).await;
    assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: ");
}

#[tokio::test]
async fn another_user_of_the_same_browser_sees_nothing_of_the_first() {
    let shop = Shop::open().await;
    let visitor = Visitor::new();
    shop.sign_in(&visitor, "alice").await;
    assert_eq!(shop.add(&visitor, "tea").await, 204);
    let of_alice = shop.id(&visitor).unwrap();
    // The browser goes from one to the other without a look at the app.
    shop.sign_out(&visitor).await;
    assert_eq!(shop.sign_in(&visitor, "bob").await, "bob: ");
    assert_eq!(shop.add(&visitor, "milk").await, 204);
    assert_eq!(shop.front_page(&visitor).await, "bob: milk");
    assert_ne!(shop.id(&visitor).unwrap(), of_alice);
}

#[tokio::test]
async fn a_single_logout_leaves_nothing() {
    let shop = Shop::open().await;
    for is_back_at_once in [false, true] {
        let visitor = Visitor::new();
        assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: ");
        assert_eq!(shop.add(&visitor, "tea").await, 204);
        shop.log_out_everywhere("alice", 1).await;
        if !is_back_at_once {
            assert_eq!(shop.front_page(&visitor).await, "nobody: ");
        }
        assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: ");
        shop.sign_out(&visitor).await;
    }
}

#[tokio::test]
async fn tabs_that_sign_in_at_once_share_a_basket_and_lose_it_together() {
    let shop = Shop::open().await;
    let visitor = Visitor::new();
    let one = visitor.open(&shop.0.at(SIGN_IN)).await;
    let other = visitor.open(&shop.0.at(SIGN_IN)).await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    for (tab, basket) in [(&one, "alice: "), (&other, "alice: tea")] {
        let back = visitor.send_form(tab, &fields).await;
        let page = visitor.follow(back).await;
        assert_eq!(page.body, basket);
        assert_eq!(shop.add(&visitor, "tea").await, 204);
    }
    assert_eq!(shop.front_page(&visitor).await, "alice: tea, tea");
    shop.log_out_everywhere("alice", 2).await;
    assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: ");
}

#[tokio::test]
async fn the_basket_of_a_visitor_goes_to_the_user_who_signs_in() {
    let shop = Shop::open().await;
    let visitor = Visitor::new();
    assert_eq!(shop.add(&visitor, "tea").await, 204);
    assert_eq!(shop.front_page(&visitor).await, "nobody: tea");
    let before = shop.id(&visitor).unwrap();
    assert_eq!(shop.sign_in(&visitor, "alice").await, "alice: tea");
    assert_ne!(shop.id(&visitor).unwrap(), before);
    // Somebody may have planted it, and still know it.
    let stranger = Visitor::new();
    stranger.take_cookie(&shop.0.at("/"), "id", &before);
    assert_eq!(shop.front_page(&stranger).await, "nobody: ");
    let order = shop.0.at("/order");
    let ordered = answer(visitor.request(Method::POST, &order)).await;
    assert_eq!(ordered.body, "alice has ordered: tea");
    let refused = answer(stranger.request(Method::POST, &order)).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_copied_identifier_shows_nobodys_basket() {
    let shop = Shop::open().await;
    let (visitor, thief) = (Visitor::new(), Visitor::new());
    shop.sign_in(&visitor, "alice").await;
    for thing in ["tea", "milk"] {
        assert_eq!(shop.add(&visitor, thing).await, 204);
        let id = shop.id(&visitor).unwrap();
        thief.take_cookie(&shop.0.at("/"), "id", &id);
        assert_eq!(shop.front_page(&thief).await, "nobody: ");
        // The same for another user.
        assert_eq!(shop.sign_in(&thief, "bob").await, "bob: ");
        shop.sign_out(&thief).await;
    }
}

#[tokio::test]
async fn a_sign_out_in_another_browser_leaves_this_one_alone() {
    let shop = Shop::open().await;
    let (here, there) = (Visitor::new(), Visitor::new());
    for (visitor, item) in [(&here, "tea"), (&there, "milk")] {
        assert_eq!(shop.sign_in(visitor, "alice").await, "alice: ");
        assert_eq!(shop.add(visitor, item).await, 204);
    }
    shop.sign_out(&there).await;
    assert_eq!(shop.front_page(&there).await, "nobody: ");
    assert_eq!(shop.front_page(&here).await, "alice: tea");
}

#[tokio::test]
async fn a_basket_has_an_end() {
    let shop = Shop::open().await;
    let visitor = Visitor::new();
    for _ in 0..20 {
        assert_eq!(shop.add(&visitor, "tea").await, 204);
    }
    assert_eq!(shop.add(&visitor, "tea").await, 409);
}
