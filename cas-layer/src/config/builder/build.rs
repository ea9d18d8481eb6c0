//! From a builder to a configuration.

use super::{
    CasConfigBuilder,
    hosts::{self, AppAndCas},
    settings::Checked,
};
use crate::{
    app::{Host, Hosts},
    config::CasConfig,
    error::ConfigError,
    paths::AppUrl,
};

impl CasConfigBuilder {
    /// Checks everything and builds the configuration.
    ///
    /// # Errors
    /// A [`ConfigError`] for the first mistake found. It says in words what to change.
    pub fn build(self) -> Result<CasConfig, ConfigError> {
        let (config, checked) = self.checked()?;
        checked.warn_of_restarts();
        #[cfg(feature = "metrics")]
        crate::events::describe_metrics();
        Ok(config)
    }

    /// Finds the first mistake, and does nothing else.
    #[cfg(feature = "serde")]
    pub(crate) fn check(self) -> Result<(), ConfigError> {
        self.checked().map(drop)
    }

    fn checked(self) -> Result<(CasConfig, Checked), ConfigError> {
        let settings = self.settings;
        let app = AppUrl::parse(&self.app_url, settings.allow_insecure_http)?;
        let mut client = self.client;
        if settings.allow_insecure_http {
            client = client.allow_insecure_http(true);
        }
        if let Some(url) = settings.proxy.callback_url_at(&app) {
            client = client.proxy_callback_url(url);
        }
        let first: AppAndCas = (app, client.build()?.by(settings.clock.clone()));
        let further = hosts::further(
            self.further_hosts,
            &first,
            settings.allow_insecure_http,
            &settings.clock,
        )?;
        hosts::check(&first, &further, settings.session.cookie_name.as_deref())?;
        settings.proxy.check_hosts(&first, &further)?;
        let checked = settings.check(&first.0)?;
        let first = checked.at(first, 0, checked.validations())?;
        let mut others: Vec<Host> = Vec::new();
        for host in further {
            let mut earlier = std::iter::once(&first).chain(&others);
            let same_server = earlier.find(|earlier| earlier.client.url() == host.1.url());
            let validations =
                same_server.map_or_else(|| checked.validations(), |same| same.validations.clone());
            others.push(checked.at(host, others.len() + 1, validations)?);
        }
        Ok((CasConfig(Hosts::new(first, others)), checked))
    }
}

#[cfg(test)]
mod tests {
    use crate::{CasConfig, Key};

    #[test]
    fn plain_http_is_allowed_for_all_or_for_the_cas_server_alone() {
        let builder =
            |app: &str| CasConfig::builder("http://cas.example.org", app).key(Key::generate());
        let (https, http) = ("https://app.example.org", "http://app.example.org");
        assert!(builder(https).build().is_err());
        assert!(builder(http).allow_insecure_http(true).build().is_ok());
        let of_client = |app| builder(app).client(|client| client.allow_insecure_http(true));
        assert!(of_client(http).build().is_err());
        assert!(of_client(https).allow_insecure_http(false).build().is_ok());
    }
}
