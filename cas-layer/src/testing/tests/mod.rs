//! Over real sockets, as a browser and a service would.
