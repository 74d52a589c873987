//! The table of routes: providers, service accounts, meters with their readings, tariffs, and what
//! other services ask.
use busbar_http::{Routes, about};

use super::handlers::{account, meter, pin, provider, reading, review, tariff, usage};
use super::model::account::{AccountView, NewAccount, TariffChoice};
use super::model::batch::{Delivery, IntakeView};
use super::model::meter::{MeterView, NewMeter, Retirement};
use super::model::provider::{NewProvider, Provider, ProviderChange};
use super::model::reading::{Correction, Reading};
use super::model::tariff::{NewTariff, TariffView, VersionView};
use super::model::usage::UsageView;

use crate::types::tariff::TariffContent;

const PAGE: &[(&str, &str)] = &[("limit", "1 to 100, 20 if not said"), ("cursor", "next_cursor")];
const PROVIDER_QUERY: &[(&str, &str)] = &[
    ("status", "In which state"),
    ("kind", "electricity, water or gas"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];
const ACCOUNT_QUERY: &[(&str, &str)] = &[
    ("user_id", "Whose"),
    ("provider_id", "Of which provider"),
    ("status", "active or closed"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];
const METER_QUERY: &[(&str, &str)] = &[
    ("service_account_id", "Of which account"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];
const READING_QUERY: &[(&str, &str)] = &[
    ("register_id", "Of which register"),
    ("status", "accepted, held, superseded or void"),
    ("from", "Not before this instant"),
    ("to", "Before this instant"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];
const TARIFF_QUERY: &[(&str, &str)] = &[
    ("provider_id", "Of which provider"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];
const USAGE_QUERY: &[(&str, &str)] = &[
    ("service_account_id", "Of which account"),
    ("start", "The first day, in the provider's time zone"),
    ("end", "The day after the last"),
];

pub(super) fn all() -> Routes {
    providers().and(accounts()).and(meters()).and(readings()).and(tariffs()).and(inside())
}

/// The same under both names: `/utilities` is how the origin's clients call them.
macro_rules! under_both_names {
    ($routes:ident, $method:ident, $rest:literal, $about:expr, $handler:path) => {
        $routes.$method(concat!("/providers", $rest), $about, $handler).$method(
            concat!("/utilities", $rest),
            $about,
            $handler,
        )
    };
}

fn providers() -> Routes {
    let routes = Routes::new();
    let lists = || about("List providers").public().lists::<Provider>().query(PROVIDER_QUERY);
    let creates = || about("Make a provider").staff().takes::<NewProvider>().creates::<Provider>();
    let shows = || about("Show a provider").public().gives::<Provider>();
    let changes =
        || about("Change a provider").staff().takes::<ProviderChange>().gives::<Provider>();
    let moves = |what: &'static str| about(what).staff().gives::<Provider>();
    let routes = under_both_names!(routes, get, "", lists(), provider::list);
    let routes = under_both_names!(routes, post, "", creates(), provider::create);
    let routes = under_both_names!(routes, get, "/{id}", shows(), provider::show);
    let routes = under_both_names!(routes, patch, "/{id}", changes(), provider::change);
    let submits = || moves("Hand a draft in for its review");
    let routes = under_both_names!(routes, post, "/{id}/submit", submits(), provider::submit);
    let approves = || moves("Approve a provider that somebody else made");
    let routes = under_both_names!(routes, post, "/{id}/approve", approves(), provider::approve);
    let pauses = || moves("Take no new accounts for now");
    let routes = under_both_names!(routes, post, "/{id}/pause", pauses(), provider::pause);
    let resumes = || moves("Take accounts again");
    let routes = under_both_names!(routes, post, "/{id}/resume", resumes(), provider::resume);
    let retires = || moves("Retire a provider for good");
    under_both_names!(routes, post, "/{id}/retire", retires(), provider::retire)
}

fn accounts() -> Routes {
    let by_staff = |what| about(what).staff().gives::<AccountView>();
    Routes::new()
        .post(
            "/service-accounts",
            about("Link a place to who pays")
                .staff()
                .takes::<NewAccount>()
                .creates::<AccountView>(),
            account::create,
        )
        .get(
            "/service-accounts",
            about("List service accounts").lists::<AccountView>().query(ACCOUNT_QUERY),
            account::list,
        )
        .get(
            "/service-accounts/{id}",
            about("Show a service account").gives::<AccountView>(),
            account::show,
        )
        .put(
            "/service-accounts/{id}/tariff",
            by_staff("Set the tariff from a day on").takes::<TariffChoice>(),
            account::set_tariff,
        )
        .post("/service-accounts/{id}/close", by_staff("Close a service account"), account::close)
}

fn meters() -> Routes {
    Routes::new()
        .post(
            "/meters",
            about("Put up a meter").staff().takes::<NewMeter>().creates::<MeterView>(),
            meter::create,
        )
        .get("/meters", about("List meters").lists::<MeterView>().query(METER_QUERY), meter::list)
        .get("/meters/{id}", about("Show a meter").gives::<MeterView>(), meter::show)
        .post(
            "/meters/{id}/retire",
            about("Retire a meter").staff().takes::<Retirement>().gives::<MeterView>(),
            meter::retire,
        )
        .post(
            "/meters/{id}/readings",
            about("Deliver readings: one, a batch (`readings`) or a table (text/csv)")
                .staff()
                .reads::<Delivery>()
                .gives::<IntakeView>(),
            reading::record,
        )
        .get(
            "/meters/{id}/readings",
            about("List the readings of a meter").lists::<Reading>().query(READING_QUERY),
            reading::list,
        )
}

fn readings() -> Routes {
    let by_staff = |what| about(what).staff().gives::<Reading>();
    Routes::new()
        .get(
            "/readings/held",
            about("List suspect readings that wait").staff().lists::<Reading>().query(PAGE),
            reading::held,
        )
        .get("/readings/{id}", about("Show a reading").gives::<Reading>(), reading::show)
        .post("/readings/{id}/approve", by_staff("Approve a held reading"), review::approve)
        .post("/readings/{id}/void", by_staff("Make a reading void"), review::void)
        .post(
            "/readings/{id}/correct",
            by_staff("Put another value in the place of a reading").takes::<Correction>(),
            review::correct,
        )
}

fn tariffs() -> Routes {
    Routes::new()
        .post(
            "/tariffs",
            about("Make a tariff, with or without its first version")
                .staff()
                .reads::<NewTariff>()
                .creates::<TariffView>(),
            tariff::create,
        )
        .get(
            "/tariffs",
            about("List tariffs").public().lists::<TariffView>().query(TARIFF_QUERY),
            tariff::list,
        )
        .get("/tariffs/{id}", about("Show a tariff").public().gives::<TariffView>(), tariff::show)
        .post(
            "/tariffs/{id}/versions",
            about("Publish a version, which never changes")
                .staff()
                .takes::<TariffContent>()
                .creates::<VersionView>(),
            tariff::add_version,
        )
        .get(
            "/tariffs/{id}/versions/{version}",
            about("Show a version of a tariff").public().gives::<VersionView>(),
            tariff::version,
        )
}

fn inside() -> Routes {
    Routes::new()
        .get(
            "/internal/providers/{id}",
            about("A provider in any state").internal().gives::<Provider>(),
            provider::whole,
        )
        .get(
            "/internal/usage",
            about("What was used in a period").internal().gives::<UsageView>().query(USAGE_QUERY),
            usage::show,
        )
        .post(
            "/internal/usage/pins",
            about("Which readings a bill was made from")
                .internal()
                .takes::<pin::Pins>()
                .gives::<pin::Pins>(),
            pin::create,
        )
        .delete(
            "/internal/usage/pins/{bill_id}",
            about("The bill was made from no readings after all").internal().status(204),
            pin::delete,
        )
}
