//! A visitor who signs in: from the page that they ask for to the login form, and back.

use reqwest::{Client, Response};
use url::Url;

use super::{
    CasServer,
    login::{STALE_FORM, WRONG_PASSWORD},
    markup::visible,
    navigate::{self, Answer, Form, Step, VisitError, address, open},
    user::User,
};

/// On a page of the layer: what it is about.
const REASON: &str = "cas-reason";

/// The reason of a page that asks whether the name is the visitor's.
const QUESTION: &str = "confirmation-needed";

impl CasServer {
    /// Opens `url` in an app, as a browser does; signs the first user in at the login form; and comes back. Returns the
    /// page that was asked for. From then on, the client has the session's cookie.
    ///
    /// The first user is the one who was the first given to [`CasServerBuilder::user`](super::CasServerBuilder::user), or
    /// `casuser`. The client has to keep cookies (`reqwest::Client::builder().cookie_store(true)`). It may follow
    /// redirects, as it does by default, or not (`Policy::none()`). Only what the layer answers counts: a page of the
    /// app is returned whatever its status.
    ///
    /// If the CAS server comes back by `POST`, the client posts the ticket. If the layer asks whether the name is the
    /// visitor's, as it does with a [bare service URL](crate::SignInOptions::bare_service_url), the client says yes.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use cas_layer::{CasConfig, CasLayer, CasUser, Key, testing::CasServer};
    /// use tokio::net::TcpListener;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let cas = CasServer::start().await?;
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let app_url = format!("http://{}", listener.local_addr()?);
    /// let config = CasConfig::builder(cas.url(), &app_url).key(Key::generate()).build()?;
    /// let app = Router::new()
    ///     .route("/profile", get(async |user: CasUser| format!("Hello {}", user.name())))
    ///     .layer(CasLayer::new(config));
    /// tokio::spawn(async move { axum::serve(listener, app).await });
    ///
    /// let client = reqwest::Client::builder().cookie_store(true).build()?;
    /// let profile = format!("{app_url}/profile");
    /// let page = cas.sign_in(&client, &profile).await?;
    /// assert_eq!(page.text().await?, "Hello casuser");
    ///
    /// // The client has a session now.
    /// assert_eq!(client.get(&profile).send().await?.text().await?, "Hello casuser");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`VisitError`] for each way in which this can go wrong.
    pub async fn sign_in(&self, client: &Client, url: &str) -> Result<Response, VisitError> {
        self.sign_in_as(client, url, self.first_user()).await
    }

    /// The same as another user of this server.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_in_as(
        &self,
        client: &Client,
        url: &str,
        user: &str,
    ) -> Result<Response, VisitError> {
        let password = self.password_of(user)?;
        self.sign_in_with(client, url, user, password).await
    }

    /// The same with a password of your own, which may be wrong.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_in_with(
        &self,
        client: &Client,
        url: &str,
        user: &str,
        password: &str,
    ) -> Result<Response, VisitError> {
        self.lead(client, address(url)?, user, password).await
    }

    pub(super) fn first_user(&self) -> &str {
        self.shared.first_user().map_or("", User::name)
    }

    pub(super) fn password_of(&self, user: &str) -> Result<&str, VisitError> {
        let known = self.shared.user(user).map(User::password);
        known.ok_or_else(|| VisitError::UnknownUser {
            user: user.to_owned(),
        })
    }

    /// Leads somebody who asks for `page` through the login form.
    pub(super) async fn lead<C: navigate::Client>(
        &self,
        client: &C,
        page: Url,
        user: &str,
        password: &str,
    ) -> Result<C::Answer, VisitError> {
        let answer = open(client, Step::to(page.clone())).await?;
        if !self.is_at_login(answer.url()) {
            return Err(not_asked(&page, answer).await);
        }
        let login = Shown::of(answer).await?;
        let form = match login.form() {
            Some(form) if form.asks_for_password() => form,
            _ => return Err(login.of_cas_server()),
        };
        let form = form.fill_in("username", user).fill_in("password", password);
        let mut answer = open(client, form.post()).await?;
        if self.is_at_login(answer.url()) {
            let shown = Shown::of(answer).await?;
            let form = shown.way_back(user)?;
            answer = open(client, form.post()).await?;
        }
        if reason(&answer) == Some(QUESTION) {
            let question = Shown::of(answer).await?;
            let form = question.form().ok_or_else(|| question.of_layer(QUESTION))?;
            answer = open(client, form.post()).await?;
        }
        match reason(&answer).map(str::to_owned) {
            Some(reason) => Err(Shown::of(answer).await?.of_layer(&reason)),
            None => Ok(answer),
        }
    }

    fn is_at_login(&self, url: &Url) -> bool {
        Url::parse(self.url()).is_ok_and(|own| {
            let path = url.path().strip_prefix(own.path());
            own.origin() == url.origin() && path == Some("/login")
        })
    }
}

/// Why there is no login form on the way to `page`.
async fn not_asked<A: Answer>(page: &Url, answer: A) -> VisitError {
    if let Some(reason) = reason(&answer).map(str::to_owned) {
        return Shown::of(answer)
            .await
            .map_or_else(|error| error, |shown| shown.of_layer(&reason));
    }
    if answer.url().origin() != page.origin() {
        return VisitError::elsewhere(answer.url());
    }
    VisitError::not_asked(answer.url(), answer.status())
}

fn reason(answer: &impl Answer) -> Option<&str> {
    answer.headers().get(REASON)?.to_str().ok()
}

/// A page that was read.
struct Shown {
    url: Url,
    status: http::StatusCode,
    html: String,
}

impl Shown {
    async fn of(answer: impl Answer) -> Result<Self, VisitError> {
        Ok(Self {
            url: answer.url().clone(),
            status: answer.status(),
            html: answer.text().await?,
        })
    }

    fn form(&self) -> Option<Form> {
        Form::on(&self.url, &self.html)
    }

    /// The form that posts the ticket to the app. A browser sends it by script.
    fn way_back(&self, user: &str) -> Result<Form, VisitError> {
        if self.html.contains(STALE_FORM) {
            return Err(VisitError::NoCookies);
        }
        if self.html.contains(WRONG_PASSWORD) {
            return Err(VisitError::WrongPassword {
                user: user.to_owned(),
            });
        }
        let form = self.form().filter(|form| !form.asks_for_password());
        form.ok_or_else(|| self.of_cas_server())
    }

    fn of_cas_server(&self) -> VisitError {
        VisitError::CasServer {
            status: self.status,
            text: visible(&self.html),
        }
    }

    fn of_layer(&self, reason: &str) -> VisitError {
        VisitError::Refused {
            status: self.status,
            reason: reason.to_owned(),
            text: visible(&self.html),
        }
    }
}
