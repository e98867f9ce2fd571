package httpapi

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

const unixScheme = "unix://"

// Listen opens the address: host:port on the loopback, or unix:///path. Others
// are refused: whoever reaches the API can register checks.
func Listen(address string) (net.Listener, error) {
	listener, err := listen(address)
	if err != nil {
		return nil, err
	}
	return limit(listener, connections()), nil
}

func listen(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, unixScheme); ok {
		return listenUnix(path)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("HTTP address %q: want host:port on the loopback, or unix:///path: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, fmt.Errorf("HTTP address %q is not on the loopback: use 127.0.0.1, [::1], localhost or unix:///path", address)
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("HTTP address %q: somebody else listens there; choose another with -http: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("HTTP address %q: %w", address, err)
	}
	// What localhost means is the resolver's to say.
	if local, ok := listener.Addr().(*net.TCPAddr); !ok || !local.IP.IsLoopback() {
		listener.Close()
		return nil, fmt.Errorf("HTTP address %q resolves to %v, which is not on the loopback", address, listener.Addr())
	}
	return listener, nil
}

func listenUnix(path string) (net.Listener, error) {
	if path == "" {
		return nil, fmt.Errorf("HTTP address %q has no path", unixScheme)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("HTTP address %s%s: %w", unixScheme, path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("HTTP address %s%s: %w", unixScheme, path, err)
	}
	return listener, nil
}

// removeStale removes the socket of an agent that is no more, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("HTTP address %s%s: %w", unixScheme, path, err)
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("HTTP address %s%s: there is something that is not a socket", unixScheme, path)
	}
	connection, err := net.Dial("unix", path)
	if err == nil {
		connection.Close()
		return fmt.Errorf("HTTP address %s%s: somebody else listens there", unixScheme, path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("HTTP address %s%s: %w", unixScheme, path, err)
	}
	return os.Remove(path)
}
