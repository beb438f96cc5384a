mod forms;
mod limits;
mod lists;
mod names;
mod properties;
mod rfc8949;
mod writer;
