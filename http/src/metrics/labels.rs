//! Labels from closed sets.

use actix_web::http::Method;

pub(super) fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// A status in digits; one that nobody has registered by its class, as `5xx`: services behind a
/// gateway answer what they like.
pub(super) fn decimal(status: u16, buffer: &mut [u8; 3]) -> &str {
    let is_registered = matches!(status,
        100..=104 | 200..=208 | 226 | 300..=308 | 400..=418 | 421..=431 | 451 | 500..=511);
    let digit = |value: u16| b'0' + (value % 10) as u8;
    let part = |value: u16| if is_registered { digit(value) } else { b'x' };
    *buffer = [digit(status / 100), part(status / 10), part(status)];
    std::str::from_utf8(buffer).unwrap_or("000")
}
