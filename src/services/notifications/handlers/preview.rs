//! A look at a template with variables of one's own.

use actix_web::web::Data;
use busbar_http::{Body, Caller, Found, Invalid, Problem};

use super::super::Notifications;
use super::super::model::preview::{Preview, PreviewOrder};
use super::super::template::{Fault, Reader};

/// `POST /notifications/preview`: what is missing is named, as it would fail the message.
pub(crate) async fn preview(
    notifications: Data<Notifications>,
    caller: Caller,
    Body(order): Body<PreviewOrder>,
) -> Result<Found<Preview>, Problem> {
    caller.require_staff()?;
    let PreviewOrder { template, locale, timezone, variables } = order;
    let reader = Reader { locale, timezone };
    let letter = notifications.writer.letter(template, &reader, &variables).map_err(refused)?;
    let notice = notifications.writer.notice(template, &reader, &variables).map_err(refused)?;
    Ok(Found(Preview {
        locale: letter.locale,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        notice: notice.text,
    }))
}

fn refused(fault: Fault) -> Problem {
    const MISSING: &str = "template_variable_missing";
    match fault {
        Fault::Missing(names) if names.is_empty() => {
            Problem::field("/variables", MISSING, "a part of a variable is missing")
        }
        Fault::Missing(names) => {
            let mut invalid = Invalid::default();
            for name in names {
                let pointer = format!("/variables/{name}");
                invalid.add(pointer, MISSING, "the template fills in this variable");
            }
            invalid.finish().err().unwrap_or_else(|| Problem::internal("nothing is missing"))
        }
        Fault::Invalid(place) => {
            Problem::field("/variables", "template_variable_invalid", format!("at {place}"))
        }
    }
}
