//! The sections, each given by value to the part that it sets. A field is the setting of its name.
mod behind;
mod edge;
mod outward;
mod people;
mod place;
mod prefix;
mod routes;
mod services;
mod supervision;
mod upkeep;

pub use behind::{
    Analytics, Billing, Database, Events, Jobs, PaymentConnector, Payments, Requests,
};
pub use edge::{Console, Gateway, Network, Origin, Process, Server};
pub use outward::{Documents, Notifications, SmtpSecurity, Webhooks};
pub use people::{Argon2, EmailVerification, Lockout, Users};
pub use place::Place;
pub(in crate::config) use routes::added_route_field;
pub use routes::{AddedRoute, AddedRoutes, Auth, Caching, Methods, Rate};
pub use services::{Service, Services};
pub use supervision::{Supervision, Supervisions};
pub use upkeep::{Admin, AdminAddress, FaultInjection, Health, Keys, Log, LogFormat, Metrics};

/// `section! { /// About. Log { /// About. filter: String = text } }` is the struct with public
/// fields and `read`, which takes each field from the setting of its name; a part such as
/// `Users { … } argon2: Argon2` is a section within it.
macro_rules! section {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$about:meta])* $field:ident: $type:ty = $kind:expr),+ $(,)?
    } $($(#[$part_about:meta])* $part:ident: $part_type:ident),*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$about])* pub $field: $type,)+
            $($(#[$part_about])* pub $part: $part_type,)*
        }

        impl $name {
            pub(in crate::config) fn read(
                from: &mut $crate::config::reader::Reader<'_>,
                section: &str,
            ) -> Self {
                $name {
                    $($field: from.read(section, stringify!($field), $kind),)+
                    $($part: $part_type::read(from, &format!("{section}.{}", stringify!($part))),)*
                }
            }
        }
    };
}
use section;

/// What a setting of 0 means where it says "one for each core".
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// An hour, a day and a year in the units that settings use.
const HOUR_MS: u64 = 3_600_000;
const DAY_SECONDS: u64 = 86_400;
const YEAR_MS: u64 = 365 * 24 * HOUR_MS;
