//! From a service's name to its type, for what is done to one service at a time.

use busbar_http::Routes;

use crate::host::Host;
use crate::services::analytics::Analytics;
use crate::services::billing::Billing;
use crate::services::documents::Documents;
use crate::services::notifications::Notifications;
use crate::services::payments::Payments;
use crate::services::users::Users;
use crate::services::utilities::Utilities;
use crate::services::webhooks::Webhooks;
use crate::services::{OpenError, Service};
use crate::storage::Database;
use crate::types::ServiceName;

/// Does the same for the service of a name, whichever it is.
macro_rules! for_service {
    ($name:expr, $service:ident => $do:expr, $gateway:expr) => {
        match $name {
            ServiceName::Users => {
                type $service = Users;
                $do
            }
            ServiceName::Payments => {
                type $service = Payments;
                $do
            }
            ServiceName::Billing => {
                type $service = Billing;
                $do
            }
            ServiceName::Notifications => {
                type $service = Notifications;
                $do
            }
            ServiceName::Documents => {
                type $service = Documents;
                $do
            }
            ServiceName::Utilities => {
                type $service = Utilities;
                $do
            }
            ServiceName::Analytics => {
                type $service = Analytics;
                $do
            }
            ServiceName::Webhooks => {
                type $service = Webhooks;
                $do
            }
            _ => $gateway,
        }
    };
}

/// Opens the database of a service and brings it up to date.
pub async fn migrate(host: &Host, name: ServiceName) -> Result<Database, OpenError> {
    for_service!(name, S => host.database::<S>().await, Err("the gateway has no database".into()))
}

pub(super) fn routes(name: ServiceName) -> Routes {
    for_service!(name, S => S::routes(), Routes::new())
}
