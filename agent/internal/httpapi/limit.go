package httpapi

import (
	"net"
	"sync"
	"syscall"
)

// mostConnections bounds how many connections the API has at a time.
const mostConnections = 16_384

// connections is how many of them this process can afford. Each costs a
// descriptor, and without one a probe fails: whoever takes them all would make
// every check critical.
func connections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return mostConnections
	}
	return int(min(mostConnections, limit.Cur/4*3))
}

// limited accepts no connection while there are too many: whoever comes then
// waits in the system's queue. The LimitListener of golang.org/x/net hides
// CloseWrite, without which a refused request may end in a reset.
type limited struct {
	net.Listener
	places chan struct{} // one is put in for each connection
	closed chan struct{}
	close  func()
}

func limit(listener net.Listener, most int) net.Listener {
	closed := make(chan struct{})
	return &limited{listener, make(chan struct{}, most), closed, sync.OnceFunc(func() { close(closed) })}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	connection, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &counted{connection, sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limited) Close() error {
	l.close()
	return l.Listener.Close()
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite is what the server ends a refusal with, so that the client reads it
// before it learns that nobody reads the rest of its request.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
