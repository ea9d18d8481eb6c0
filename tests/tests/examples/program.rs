//! An example with a CAS server of its own.

use cas_layer::testing::{CasServer, CasServerBuilder, User};
pub(crate) use cas_layer_tests::example::soon;
use cas_layer_tests::{
    example::Example,
    flow::{PASSWORD, USER},
    visitor::{Answer, Visitor},
};

/// A running example, and the CAS server that it trusts.
pub(crate) struct Program {
    pub(crate) cas: CasServer,
    pub(crate) example: Example,
}

impl Program {
    /// Starts the example `name`; `arguments` follow after the URL of the CAS server.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Self {
        let cas = CasServer::start().await.unwrap();
        let example = Example::start(name, cas.url(), arguments).await;
        Self { cas, example }
    }

    /// The same with a CAS server that knows these users, all with [`PASSWORD`].
    pub(crate) async fn start_for(users: &[&str], name: &str, arguments: &[&str]) -> Self {
        let known = users.iter().map(|&user| User::new(user, PASSWORD));
        let cas = known.fold(CasServer::builder(), CasServerBuilder::user);
        let cas = cas.start().await.unwrap();
        let example = Example::start(name, cas.url(), arguments).await;
        Self { cas, example }
    }

    /// The next line that the program prints.
    pub(crate) async fn says(&mut self) -> String {
        self.example.says().await
    }

    pub(crate) fn at(&self, path: &str) -> String {
        self.example.at(path)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.example.address()
    }

    /// Opens `path`, signs in at the CAS server on the way, and comes back.
    pub(crate) async fn sign_in(&self, visitor: &Visitor, path: &str) -> Answer {
        self.sign_in_as(visitor, path, USER).await
    }

    /// The same as this user.
    pub(crate) async fn sign_in_as(&self, visitor: &Visitor, path: &str, user: &str) -> Answer {
        let form = visitor.open(&self.at(path)).await;
        assert!(form.asks_for_password(), "{}", form.body);
        let fields = [("username", user), ("password", PASSWORD)];
        let answer = visitor.send_form(&form, &fields).await;
        visitor.follow(answer).await
    }
}
