//! Four apps on one host: a browser brings the cookies of all of them to each, and nginx takes 8 KiB for a header.

use cas_layer::{SessionPlace, testing::CasServer};
use cas_layer_tests::{
    groups::{numbered, random},
    nginx::Nginx,
    visitor::Visitor,
};

use crate::{
    groups::shows,
    support::{App, Port, config, location, member, server, sign_in},
};

/// Where the apps are.
const PATHS: [&str; 4] = ["/a", "/b", "/c", "/d"];

struct Apps {
    nginx: Nginx,
    paths: [&'static str; 4],
    groups: Vec<String>,
    _cas: CasServer,
    _running: Vec<App>,
}

impl Apps {
    /// `site` gets the ports of the apps.
    async fn start(
        paths: [&'static str; 4],
        groups: Vec<String>,
        site: impl FnOnce(&[Port]) -> String,
        place: SessionPlace,
    ) -> Self {
        let user = member(&groups);
        let cas = CasServer::builder().user(user).start().await.unwrap();
        let mut ports = Vec::new();
        for _ in paths {
            ports.push(Port::free().await);
        }
        let nginx = Nginx::start(&site(&ports)).await;
        let apps = paths.into_iter().zip(ports);
        let apps = apps.map(|(path, port)| {
            let config = config(cas.url(), &nginx.url(path));
            port.serve(config.session(|session| session.place(place)))
        });
        Self {
            _running: apps.collect(),
            _cas: cas,
            nginx,
            paths,
            groups,
        }
    }

    fn at(&self, app: &str, path: &str) -> String {
        self.nginx.url(&format!("{app}{path}"))
    }

    /// Somebody who has signed in to all of them.
    async fn visitor(&self) -> Visitor {
        let visitor = Visitor::new();
        let first = sign_in(&visitor, &self.at(self.paths[0], "/page")).await;
        shows(&first, &self.groups);
        // The CAS server knows the visitor by now.
        for app in &self.paths[1..] {
            let page = visitor.open(&self.at(app, "/page")).await;
            assert_eq!(page.url.as_str(), self.at(app, "/page"));
            shows(&page, &self.groups);
        }
        visitor
    }
}

/// Everything that somebody does who uses all of the apps.
pub(crate) async fn work_together(
    paths: [&'static str; 4],
    groups: Vec<String>,
    place: SessionPlace,
    site: impl FnOnce(&[Port]) -> String,
) {
    let apps = Apps::start(paths, groups, site, place).await;
    for left in paths {
        let visitor = apps.visitor().await;
        for app in paths {
            shows(&visitor.get(&apps.at(app, "/other")).await, &apps.groups);
        }
        let bye = visitor.open(&apps.at(left, "/logout")).await;
        assert_eq!(bye.status, 200, "{left}: {}", bye.body);
        assert_eq!(bye.url.as_str(), apps.at(left, "/logout_callback"));
        let after = visitor.open(&apps.at(left, "/page")).await;
        assert!(after.asks_for_password(), "{left}: {}", after.body);
    }
}

/// One location for each, and nginx' default settings.
fn default(ports: &[Port]) -> String {
    let locations = PATHS.iter().zip(ports);
    let locations: String = locations
        .map(|(path, port)| location(&format!("{path}/"), port))
        .collect();
    server(&locations)
}

pub(crate) async fn four_apps_of_one_host_work_together() {
    work_together(PATHS, numbered(40), SessionPlace::default(), default).await;
}

/// Names that no packing makes shorter. 13 fill a small cookie, and 40 go to the registry.
pub(crate) async fn four_apps_of_one_host_work_together_whatever_the_names() {
    for count in [13, 40] {
        work_together(PATHS, random(count), SessionPlace::default(), default).await;
    }
}
