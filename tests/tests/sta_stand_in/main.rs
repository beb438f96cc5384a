//! The STA stand-in keeps to what Thales publishes, and refuses what a real
//! tenant would. Asked with plain HTTP and paper keys: nothing of the system's
//! own is in between.

#![allow(clippy::unwrap_used)]

mod activation;
mod import;
mod rest;
mod sign_in;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use keysteward_tests::{
    browser::https,
    mail_catcher::MailCatcher,
    paper_key::{Ceremony, PaperKey},
    sta_stand_in::{Options, StaStandIn},
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// A tenant of its own for each test.
struct Site {
    stand_in: StaStandIn,
    mail: MailCatcher,
    http: Client,
}

impl Site {
    async fn new() -> Self {
        let mail = MailCatcher::start(0).await.unwrap();
        let stand_in = StaStandIn::start(Options::new(&mail)).await.unwrap();
        let http = https(stand_in.root()).unwrap();
        Self {
            stand_in,
            mail,
            http,
        }
    }

    /// A request as the API wants it.
    fn rest(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.stand_in.rest_url()));
        request
            .header("apikey", self.stand_in.api_key())
            .header("Object-Id-Format", "hex")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.rest(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        answer(self.rest(method, path).json(body)).await
    }

    /// What a browser or the console sends.
    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(
            self.http
                .post(format!("{}{path}", self.stand_in.url()))
                .json(body),
        )
        .await
    }

    async fn put(&self, path: &str, body: &Value) -> u16 {
        answer(
            self.http
                .put(format!("{}{path}", self.stand_in.url()))
                .json(body),
        )
        .await
        .0
    }

    /// A user, and the path of its authenticators.
    async fn user(&self) -> String {
        let (status, user) = self.send(Method::POST, "users", &alice()).await;
        assert_eq!(status, 201, "{user}");
        format!("users/{}/authenticators", user["id"].as_str().unwrap())
    }

    /// A user with a key that is pending.
    async fn user_with_key(&self) -> (String, PaperKey, String) {
        let path = self.user().await;
        let key = PaperKey::new();
        let (status, added) = self
            .send(Method::POST, &path, &import(&key, &self.ceremony()))
            .await;
        assert_eq!(status, 201, "{added}");
        let id = added["id"].as_str().unwrap().to_owned();
        (path, key, id)
    }

    fn ceremony(&self) -> Ceremony {
        let Options { rp_id, origin, .. } = self.stand_in.options();
        Ceremony::new(rp_id, origin)
    }

    /// The ceremony that answers these options.
    fn answer_to(&self, options: &Value) -> Ceremony {
        Ceremony {
            kind: "webauthn.get",
            challenge: BASE64URL
                .decode(options["challenge"].as_str().unwrap())
                .unwrap(),
            ..self.ceremony()
        }
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

fn alice() -> Value {
    json!({
        "userName": "alice", "firstName": "Alice", "lastName": "Doe", "email": "alice@example.com",
    })
}

fn import(key: &PaperKey, ceremony: &Ceremony) -> Value {
    let registration = key.register(ceremony);
    let id = BASE64URL.encode(&key.id);
    json!({
        "type": "fido",
        "friendlyName": "Key of Alice",
        "rpId": ceremony.rp_id,
        "origin": ceremony.origin,
        "credential": {
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "attestationObject": BASE64URL.encode(registration.attestation_object),
                "clientDataJSON": BASE64URL.encode(registration.client_data_json),
            },
        },
    })
}
