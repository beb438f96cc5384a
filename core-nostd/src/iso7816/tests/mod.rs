mod card;
mod chains;
mod codec;
mod exchanges;
