package hdfsbed

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The RPC protocols that administrators' tools speak. A call from here takes a millisecond, one by a tool two seconds.
const (
	haService      = "org.apache.hadoop.ha.HAServiceProtocol"
	clientProtocol = "org.apache.hadoop.hdfs.protocol.ClientProtocol"
)

// call makes one call to a NameNode without security, as the superuser, on a connection of its own.
func (n *Node) call(ctx context.Context, protocol, method string, request []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", n.rpc)
	if err != nil {
		return fmt.Errorf("testbed: %s on %s: %w", method, n.name, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(callBytes(protocol, method, request)); err != nil {
		return fmt.Errorf("testbed: %s on %s: %w", method, n.name, err)
	}
	class, message, err := answer(bufio.NewReader(conn))
	if err != nil {
		return fmt.Errorf("testbed: %s on %s: %w", method, n.name, err)
	}
	if class != "" {
		message, _, _ = strings.Cut(message, "\n") // without the stack
		return fmt.Errorf("testbed: %s on %s: %w", method, n.name, &RemoteError{class[strings.LastIndexByte(class, '.')+1:], message})
	}
	return nil
}

// callBytes is a connection's begin and one call: version 9 without a service class and without authentication.
func callBytes(protocol, method string, request []byte) []byte {
	user := bytesField(nil, 1, []byte(Superuser))
	about := bytesField(bytesField(nil, 2, user), 3, []byte(protocol))
	b := append([]byte("hrpc"), 9, 0, 0)
	b = packet(b, requestHeader(-3), about) // -3: this is the context of the connection
	what := bytesField(bytesField(nil, 1, []byte(method)), 2, []byte(protocol))
	what = varintField(what, 3, 1)
	return packet(b, requestHeader(0), what, request)
}

// requestHeader is an RpcRequestHeaderProto.
func requestHeader(id int64) []byte {
	const protobuf, finalPacket = 2, 0
	b := varintField(varintField(nil, 1, protobuf), 2, finalPacket)
	b = varintField(b, 3, protowire.EncodeZigZag(id))
	b = bytesField(b, 4, []byte("testbed-testbed-")) // 16 bytes
	return varintField(b, 5, protowire.EncodeZigZag(-1))
}

// packet is messages with their lengths, after the length of all.
func packet(b []byte, messages ...[]byte) []byte {
	var body []byte
	for _, m := range messages {
		body = protowire.AppendBytes(body, m)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

func bytesField(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func varintField(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

// answer reads an RpcResponseHeaderProto: the class and message of the exception, "" for success.
func answer(r *bufio.Reader) (class, message string, err error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", "", err
	}
	body := make([]byte, min(binary.BigEndian.Uint32(size[:]), 1<<20))
	if _, err := io.ReadFull(r, body); err != nil {
		return "", "", err
	}
	header, n := protowire.ConsumeBytes(body)
	if n < 0 {
		return "", "", protowire.ParseError(n)
	}
	status := uint64(0)
	for len(header) > 0 {
		number, kind, tag := protowire.ConsumeTag(header)
		if tag < 0 {
			return "", "", protowire.ParseError(tag)
		}
		value := header[tag:]
		n := protowire.ConsumeFieldValue(number, kind, value)
		if n < 0 {
			return "", "", protowire.ParseError(n)
		}
		header = value[n:]
		switch {
		case number == 2 && kind == protowire.VarintType:
			status, _ = protowire.ConsumeVarint(value)
		case number == 4 && kind == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(value)
			class = string(v)
		case number == 5 && kind == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(value)
			message = string(v)
		}
	}
	if status != 0 && class == "" {
		class = fmt.Sprintf("status %d", status)
	}
	return class, message, nil
}
