//! `ErrorResponse`, as Entrust publishes it.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A request that was refused, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "cagw-4001", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "cagw-4018", message)
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    pub(super) fn body(&self) -> Value {
        let details: Vec<_> = self
            .details
            .iter()
            .map(|message| json!({ "message": message }))
            .collect();
        json!({
            "type": "ErrorResponse",
            "error": {
                "code": self.code,
                "message": self.message,
                "target": "",
                "value": "",
                "details": details,
                "additionalProperties": { "exceptionClass": "com.example.StandIn" },
            },
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}
