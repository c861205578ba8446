package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
	"strings"
	"syscall"

	"shadoof/storage"
)

// failed is an error in the words of a person.
type failed struct {
	text string
	is   error // the sentinel for it, or nil
	err  error
}

func (e *failed) Error() string { return e.text }
func (e *failed) Unwrap() []error {
	if e.is == nil {
		return []error{e.err}
	}
	return []error{e.is, e.err}
}

// told is an error that says all there is to say.
func told(is error, format string, args ...any) error {
	return &failed{text: fmt.Sprintf(format, args...), err: is}
}

// failure is the error of an operation on a name.
func (s *Store) failure(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", op, s.url(name), s.explain(err))
}

func (s *Store) url(name string) string { return "hdfs://" + s.cluster.name + s.path(name) }

// explain says what went wrong and what to do.
func (s *Store) explain(err error) error {
	var (
		done  *failed
		setup *setupError
		inner *fs.PathError
		stop  *once
		gone  *lostError
	)
	switch {
	case errors.As(err, &done), errors.As(err, &setup), errors.Is(err, storage.ErrUnfit):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &failed{fmt.Sprintf("the time was up before the name node of %s had answered: %v", s.cluster.name, err), context.DeadlineExceeded, err}
	case errors.Is(err, context.Canceled), errors.Is(err, fs.ErrClosed):
		return err
	case errors.As(err, &stop):
		return s.explain(stop.error)
	case errors.As(err, &gone):
		return s.explainLost(gone.err)
	}
	exception, message, ok := said(err)
	switch {
	case ok:
		return s.explainRemote(exception, firstLine(message), err)
	case errors.As(err, &inner) && answered(err):
		return &failed{fmt.Sprintf("%s: %v", inner.Path, inner.Err), nil, err}
	case answered(err):
		return err
	}
	return s.explainLost(err)
}

// explainRemote says what an exception of the name node means for the user.
func (s *Store) explainRemote(exception, message string, err error) error {
	short := exception[strings.LastIndexAny(exception, ".$")+1:]
	text, is := short+": "+message, error(nil)
	switch {
	case inSafeMode(err):
		text = fmt.Sprintf("the name node of %s is in safe mode, since it waits for data nodes, lacks disk space or was told so: see hdfs dfsadmin -safemode get, and try again when it has left it", s.cluster.name)
	case overQuota(err):
		text = fmt.Sprintf("%s: free or raise it (hdfs dfsadmin -setQuota, -setSpaceQuota; hdfs dfs -count -q shows it)", message)
	case noDataNode(err):
		is = storage.ErrAway
		text = fmt.Sprintf("no data node took the block (%s): see hdfs dfsadmin -report for data nodes that are down or full", message)
		if refused := (*refusedError)(nil); errors.As(err, &refused) {
			text = fmt.Sprintf("%v; then %s", s.explain(refused.before), text)
		}
	case short == "UnknownCryptoProtocolVersionException":
		return &failed{"the folder is in an encryption zone, which this client does not write correctly: use a folder outside of encryption zones", storage.ErrUnfit, err}
	case strings.Contains(message, "encryption zone"):
		return &failed{message + ": this client does not write correctly in encryption zones: use folders outside of them", storage.ErrUnfit, err}
	case short == "AccessControlException":
		return &failed{fmt.Sprintf("%s: user %s is not allowed this", message, s.cluster.user), fs.ErrPermission, err}
	case short == "PathComponentTooLongException", short == "InvalidPathException":
		return &failed{text, fs.ErrInvalid, err}
	case short == "ParentNotDirectoryException":
		text = message + ": a file has the name of a folder"
	case passing(err):
		is = storage.ErrAway
	}
	return &failed{text, is, err}
}

// explainLost says why there was no answer.
func (s *Store) explainLost(err error) error {
	nodes := "name node of " + s.cluster.name + " (" + strings.Join(s.cluster.addresses, ", ") + ")"
	cause := err
	var inner *fs.PathError
	if errors.As(err, &inner) {
		cause = inner.Err
	}
	text := cause.Error()
	lost := &lostError{err}
	var timeout net.Error
	switch {
	case strings.Contains(text, "kerberos: "):
		return &failed{text, nil, lost} // it was no name node that did not answer
	case strings.Contains(text, "no user credentials available"):
		return &failed{fmt.Sprintf("kerberos: no ticket that is still valid (%s): run kinit again, or set store.hdfs.kerberos.keytab and principal", text), nil, lost}
	case strings.Contains(text, "SASL handshake"):
		return &failed{fmt.Sprintf("%s: %s: check the ticket (klist), the principal and dfs.namenode.kerberos.principal", nodes, text), nil, lost}
	case errors.Is(err, syscall.ECONNREFUSED) && s.dataNode(err) != "":
		return &failed{fmt.Sprintf("data node %s cannot be reached: %s: see hdfs dfsadmin -report for data nodes that are down", s.dataNode(err), text), storage.ErrAway, lost}
	case strings.Contains(text, "StandbyException"), strings.Contains(text, "no available namenodes: <nil>"):
		return &failed{fmt.Sprintf("no %s is active: see hdfs haadmin -getAllServiceState", nodes), storage.ErrAway, lost}
	case strings.Contains(text, "no available namenodes"), errors.Is(err, syscall.ECONNREFUSED):
		return &failed{fmt.Sprintf("no %s can be reached: %s: check store.url, Hadoop's configuration and the network", nodes, strings.TrimPrefix(text, "no available namenodes: ")), storage.ErrAway, lost}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &failed{fmt.Sprintf("%s or a data node: no answer in time: %s", nodes, text), storage.ErrAway, lost}
	case strings.Contains(text, "no available datanodes"), strings.Contains(text, "read failed"), strings.Contains(text, "write failed"):
		return &failed{fmt.Sprintf("%s: see hdfs dfsadmin -report for data nodes that are down", text), storage.ErrAway, lost}
	}
	if peer := s.dataNode(err); peer != "" {
		text = fmt.Sprintf("data node %s: the connection broke: %s", peer, text)
		if s.cluster.kerberos && s.cluster.protection == "" {
			text += ": if data nodes have dfs.data.transfer.protection, the client's configuration must have it, too"
		}
		return &failed{text, storage.ErrAway, lost}
	}
	if !s.reached.Load() {
		text += ": is this the port for clients (dfs.namenode.rpc-address, often 8020), and not that of its web pages?"
	}
	return &failed{fmt.Sprintf("%s: the connection broke: %s", nodes, text), storage.ErrAway, lost}
}

// dataNode is the address of the other end, if an error is of a connection to one that is no name node, by its port.
func (s *Store) dataNode(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(op.Addr.String())
	for _, address := range s.cluster.addresses {
		if _, p, _ := net.SplitHostPort(address); p == port {
			return ""
		}
	}
	return op.Addr.String()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}

// noDataNode says whether the name node had no data node for a block: all are down, full, or have not come back to it yet.
func noDataNode(err error) bool {
	_, message, ok := said(err)
	return ok && strings.Contains(message, "could only be written to")
}

// refusedError is that of a block for which the name node had no data node, after one had failed.
type refusedError struct {
	error
	before error // of the data node
}

func (e *refusedError) Unwrap() error { return e.error }

// wrote takes what came of writing to a file. After data nodes have failed, the name node may have none left to give out for the next
// block. Its answer says how many there are, and not why: that is in what became of the last data node.
func (s *Store) wrote(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.nodeError = nil
	case s.dataNode(err) != "":
		s.nodeError = err
	case noDataNode(err) && s.nodeError != nil:
		return &refusedError{err, s.nodeError}
	}
	return err
}

// overQuota says whether a quota of names, bytes or a storage type is used up.
func overQuota(err error) bool {
	exception, _, _ := said(err)
	return strings.HasSuffix(exception, "QuotaExceededException") || strings.HasSuffix(exception, "QuotaByStorageTypeExceededException")
}

// renameError is a refused rename: either of two folders may be the reason, and the library names the first only.
type renameError struct {
	error
	from, to string
}

func (e *renameError) Unwrap() error { return e.error }

// denied adds to a refusal who was refused what: the library drops what the name node says about it.
func (s *Store) denied(c client, err error) error {
	var inner *fs.PathError
	if !errors.As(err, &inner) || !path.IsAbs(inner.Path) {
		return err
	}
	what, places := inner.Op+" "+inner.Path, []string{inner.Path}
	advice := "let this user, or a group they are in, read and write there"
	var rename *renameError
	switch {
	case errors.As(err, &rename):
		what, places = fmt.Sprintf("rename %s to %s", rename.from, rename.to), []string{path.Dir(rename.from), path.Dir(rename.to)}
		advice = "let this user, or a group they are in, read and write in both; a sticky bit keeps all but the owner of a file from moving it"
	case inner.Op == "chown":
		advice = fmt.Sprintf("only the owner can give it the group %s of store.hdfs.group, and only if they are in it", s.o.Group)
	case inner.Op == "chmod":
		advice = "only the owner can set store.hdfs.file_mode and dir_mode"
	}
	text := what + ": permission denied for user " + c.User()
	var seen []string
	for _, p := range places {
		for ; ; p = path.Dir(p) {
			st, looking := c.Stat(p)
			if looking == nil {
				seen = append(seen, fmt.Sprintf("%s is %s:%s %04o", p, st.owner, st.group, st.mode))
			}
			if looking == nil || p == "/" || !answered(looking) {
				break
			}
		}
	}
	if len(seen) > 0 {
		text += ": " + strings.Join(seen, ", ") + ": " + advice
	}
	explained := &failed{text, fs.ErrPermission, err}
	var stop *once
	if errors.As(err, &stop) {
		return &once{explained}
	}
	return explained
}
