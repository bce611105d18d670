//! The server as its clients meet it.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod live;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod support;
#[cfg(test)]
mod uploads;
