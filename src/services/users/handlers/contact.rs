//! Who somebody is, for the services that write to them.

use actix_web::web::Data;
use busbar_http::problem::kinds;
use busbar_http::{Found, Path, Problem, ServiceCaller};

use crate::types::{ServiceName, UserId};

use super::super::Users;
use super::super::model::user::Contact;
use super::super::problem::USER_NOT_FOUND;
use super::super::store;

/// Who may know.
const WRITERS: [ServiceName; 2] = [ServiceName::Notifications, ServiceName::Documents];

/// `GET /internal/users/{id}/contact`.
pub(crate) async fn show(
    users: Data<Users>,
    caller: ServiceCaller,
    Path(id): Path<UserId>,
) -> Result<Found<Contact>, Problem> {
    if !WRITERS.iter().any(|writer| caller.service == writer.as_str()) {
        return Err(kinds::INSUFFICIENT_SCOPE.problem());
    }
    let user = store::user::by_id(&users.database, id).await?.ok_or(USER_NOT_FOUND)?;
    Ok(Found(Contact::from(user)))
}
