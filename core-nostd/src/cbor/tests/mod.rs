mod limits;
mod lists;
mod properties;
mod rfc8949;
mod writer;
