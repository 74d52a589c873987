//! Listening sockets that outlive those who accept from them.
//!
//! A port is taken in two steps. [`reserve`] binds it, so that an address in use is found before
//! anything starts. [`open`] makes it listen, and is called by each incarnation when it is ready:
//! so the port first opens after migrations have run, and stays open from then on.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections the kernel keeps while nobody accepts; `net.core.somaxconn` may cap it.
pub const BACKLOG_MAX: i32 = 1024;

/// Binds `address` without listening on it yet.
pub fn reserve(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Without it, a restart fails while connections of the last run are in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Accepted connections inherit it: answers in several writes must not wait for acknowledgements.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Another handle of a reserved socket, listening. Repeating it is harmless.
pub fn open(socket: &Socket) -> io::Result<TcpListener> {
    let handle = socket.try_clone()?;
    handle.listen(BACKLOG_MAX)?;
    Ok(handle.into())
}

/// Binds `address` and listens on it.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    open(&reserve(address)?)
}

/// Where a socket is bound; tells the port when 0 was asked for.
pub fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::Error::other("the socket has no internet address"))
}

/// Stops a socket from listening, on all of its handles: also on one that a hung thread holds.
pub fn close(socket: &Socket) {
    // Fails where it did not listen yet, and where the system has no such thing: then the last
    // handle's end closes it.
    let _ = socket.shutdown(std::net::Shutdown::Both);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_reserved_port_refuses_until_it_is_opened_and_after_it_is_closed() {
        let socket = reserve(([127, 0, 0, 1], 0).into()).unwrap();
        let address = local_address(&socket).unwrap();
        assert!(TcpStream::connect(address).is_err());

        let held_by_a_hung_thread = open(&socket).unwrap();
        assert!(TcpStream::connect(address).is_ok());
        assert!(reserve(address).is_err(), "taken while it listens");

        close(&socket);
        assert!(TcpStream::connect(address).is_err());
        drop(socket);
        assert!(TcpStream::connect(listen(address).unwrap().local_addr().unwrap()).is_ok());
        drop(held_by_a_hung_thread);
    }

    #[test]
    fn accepted_connections_send_without_delay() {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }
}
