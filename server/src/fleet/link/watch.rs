//! The token watch, which every idle link holds open.
//!
//! The generated client gives each stream a buffer of 8 KiB to decode in. Events
//! are small and seldom, and there are ten thousand watches: this one begins
//! with less, and grows when it must.

use http::uri::PathAndQuery;
use keysteward_proto::agent::v1::{TokenEvent, WatchRequest};
use tonic::{
    Request, Status, Streaming,
    client::Grpc,
    codec::{BufferSettings, Codec},
};
use tonic_prost::{ProstDecoder, ProstEncoder};

use super::{ANSWER, CallError, ORIGIN, bounded, channel::Channel};

/// Opens the watch: a snapshot first, then every change.
pub(super) async fn watch_tokens(channel: Channel) -> Result<Streaming<TokenEvent>, CallError> {
    let mut grpc = Grpc::with_origin(channel, http::Uri::from_static(ORIGIN));
    bounded(ANSWER, async {
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static("/keysteward.agent.v1.Tokens/Watch");
        grpc.server_streaming(Request::new(WatchRequest {}), path, SmallCodec)
            .await
    })
    .await
}

struct SmallCodec;

impl Codec for SmallCodec {
    type Encode = WatchRequest;
    type Decode = TokenEvent;
    type Encoder = ProstEncoder<WatchRequest>;
    type Decoder = ProstDecoder<TokenEvent>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(small())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(small())
    }
}

fn small() -> BufferSettings {
    BufferSettings::new(256, 32 * 1024)
}
