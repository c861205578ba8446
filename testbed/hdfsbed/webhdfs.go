package hdfsbed

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FS looks at the files and changes them, as a user, by WebHDFS: independent of the product's client, and without a JVM.
// It is safe for concurrent use.
type FS struct {
	cluster *Cluster
	user    string
	node    *Node // nil is the active one
}

// FS for a user. What tests prepare and look at is done as Superuser.
func (c *Cluster) FS(user string) *FS { return &FS{cluster: c, user: user} }

// Here asks the NameNode that is active now, and no other also when it is active no more. It then answers from an old state.
func (f *FS) Here(ctx context.Context) (*FS, error) {
	i, err := f.cluster.Active(ctx)
	if err != nil {
		return nil, err
	}
	return &FS{f.cluster, f.user, f.cluster.NameNode(i)}, nil
}

// At asks one NameNode, whether it is active or not.
func (f *FS) At(i int) *FS { return &FS{f.cluster, f.user, f.cluster.NameNode(i)} }

// A Status is what the NameNode knows of a file or folder.
type Status struct {
	Path             string `json:"-"`          // absolute
	Suffix           string `json:"pathSuffix"` // the last element, in listings
	Type             string `json:"type"`       // FILE or DIRECTORY
	Length           int64  `json:"length"`
	Owner            string `json:"owner"`
	Group            string `json:"group"`
	Permission       string `json:"permission"` // octal
	Replication      int    `json:"replication"`
	BlockSize        int64  `json:"blockSize"`
	ModificationTime int64  `json:"modificationTime"` // milliseconds
	ACL              bool   `json:"aclBit"`
	Encrypted        bool   `json:"encBit"`
	ErasureCoded     bool   `json:"ecBit"`
}

// IsDir says whether it is a folder.
func (s Status) IsDir() bool { return s.Type == "DIRECTORY" }

// A RemoteError is an exception of the NameNode. It is fs.ErrNotExist, fs.ErrExist or fs.ErrPermission where it means that.
type RemoteError struct {
	Exception string `json:"exception"`
	Message   string `json:"message"`
}

func (e *RemoteError) Error() string { return e.Exception + ": " + e.Message }

func (e *RemoteError) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Exception == "FileNotFoundException"
	case fs.ErrExist:
		return e.Exception == "FileAlreadyExistsException"
	case fs.ErrPermission:
		return e.Exception == "AccessControlException"
	}
	return false
}

// MkdirAll makes a folder and its parents; mode is octal.
func (f *FS) MkdirAll(ctx context.Context, name, mode string) error {
	return f.do(ctx, http.MethodPut, name, "MKDIRS", url.Values{"permission": {mode}}, nil)
}

// SetPermission sets a mode, in octal.
func (f *FS) SetPermission(ctx context.Context, name, mode string) error {
	return f.do(ctx, http.MethodPut, name, "SETPERMISSION", url.Values{"permission": {mode}}, nil)
}

// SetOwner sets owner and group; "" leaves one as it is.
func (f *FS) SetOwner(ctx context.Context, name, owner, group string) error {
	v := url.Values{}
	if owner != "" {
		v.Set("owner", owner)
	}
	if group != "" {
		v.Set("group", group)
	}
	return f.do(ctx, http.MethodPut, name, "SETOWNER", v, nil)
}

// ModifyACL adds entries such as user:colleague:rwx or default:group:lake:r-x, with commas between.
func (f *FS) ModifyACL(ctx context.Context, name, entries string) error {
	return f.do(ctx, http.MethodPut, name, "MODIFYACLENTRIES", url.Values{"aclspec": {entries}}, nil)
}

// SetQuota limits the names and the bytes (replicas included) below a folder; -1 is no limit.
func (f *FS) SetQuota(ctx context.Context, name string, names, bytes int64) error {
	v := url.Values{"namespacequota": {quota(names)}, "storagespacequota": {quota(bytes)}}
	return f.do(ctx, http.MethodPut, name, "SETQUOTA", v, nil)
}

func quota(n int64) string { return strconv.FormatInt(n, 10) }

// SetErasureCoding gives a folder a policy such as XOR-2-1-1024k, which is enabled first.
func (f *FS) SetErasureCoding(ctx context.Context, name, policy string) error {
	v := url.Values{"ecpolicy": {policy}}
	if err := f.do(ctx, http.MethodPut, "/", "ENABLEECPOLICY", v, nil); err != nil {
		return err
	}
	return f.do(ctx, http.MethodPut, name, "SETECPOLICY", v, nil)
}

// Rename renames as the shell's mv does: into a folder that is there. An answer of false is an error.
func (f *FS) Rename(ctx context.Context, from, to string) error {
	return f.do(ctx, http.MethodPut, from, "RENAME", url.Values{"destination": {to}}, nil)
}

// RemoveAll deletes a file or a folder with all that is in it. It is no error if nothing is there.
func (f *FS) RemoveAll(ctx context.Context, name string) error {
	var answer struct {
		Boolean bool `json:"boolean"`
	}
	return f.do(ctx, http.MethodDelete, name, "DELETE", url.Values{"recursive": {"true"}}, &answer)
}

// SetTimes sets a file's modification time.
func (f *FS) SetTimes(ctx context.Context, name string, modified time.Time) error {
	return f.do(ctx, http.MethodPut, name, "SETTIMES", url.Values{"modificationtime": {strconv.FormatInt(modified.UnixMilli(), 10)}}, nil)
}

// Stat is a file's or folder's status.
func (f *FS) Stat(ctx context.Context, name string) (Status, error) {
	var answer struct{ FileStatus Status }
	err := f.do(ctx, http.MethodGet, name, "GETFILESTATUS", nil, &answer)
	answer.FileStatus.Path = name
	return answer.FileStatus, err
}

// List lists a folder, in the order of the names.
func (f *FS) List(ctx context.Context, name string) ([]Status, error) {
	var answer struct {
		FileStatuses struct{ FileStatus []Status }
	}
	err := f.do(ctx, http.MethodGet, name, "LISTSTATUS", nil, &answer)
	all := answer.FileStatuses.FileStatus
	for i := range all {
		all[i].Path = path.Join(name, all[i].Suffix)
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Path, b.Path) })
	return all, err
}

// Walk calls each for all that lies below a folder, a folder before what is in it; what vanishes meanwhile is left out. Each may
// return fs.SkipDir for a folder. A folder that is not there has nothing.
func (f *FS) Walk(ctx context.Context, name string, each func(Status) error) error {
	entries, err := f.List(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range entries {
		err := each(s)
		if errors.Is(err, fs.SkipDir) && s.IsDir() {
			continue
		}
		if err == nil && s.IsDir() {
			err = f.Walk(ctx, s.Path, each)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadFile reads a file whole.
func (f *FS) ReadFile(ctx context.Context, name string) ([]byte, error) {
	return f.transfer(ctx, http.MethodGet, name, "OPEN", url.Values{}, nil)
}

// WriteFile creates a file, and its parents; one that is there is an error.
func (f *FS) WriteFile(ctx context.Context, name string, content []byte) error {
	_, err := f.transfer(ctx, http.MethodPut, name, "CREATE", url.Values{"overwrite": {"false"}}, content)
	return err
}

// transfer has the NameNode say which DataNode to ask, and asks it. One that is down is not asked twice, but by chance.
func (f *FS) transfer(ctx context.Context, method, name, op string, params url.Values, content []byte) (body []byte, err error) {
	params.Set("noredirect", "true")
	for range 20 {
		if body, err = f.transferred(ctx, method, name, op, params, content); err == nil || !passing(method, err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("testbed: hdfs: %s %s: %w", op, name, err)
	}
	return body, nil
}

// passing says whether it can be tried again. A DataNode finds out by a call that the NameNode it was connected to has gone.
func passing(method string, err error) bool {
	remote := (*RemoteError)(nil)
	return notCarriedOut(err) || method == http.MethodGet && errors.As(err, &remote) && remote.Exception == "EOFException"
}

func (f *FS) transferred(ctx context.Context, method, name, op string, params url.Values, content []byte) ([]byte, error) {
	told, err := f.request(ctx, method, name, op, params)
	if err != nil {
		return nil, err
	}
	defer told.Body.Close()
	var answer struct{ Location string }
	if err := json.NewDecoder(told.Body).Decode(&answer); err != nil {
		return nil, err
	}
	at, err := url.Parse(answer.Location)
	if err != nil {
		return nil, err
	}
	for _, n := range f.cluster.nameNodes {
		// The DataNode asks the NameNode again. Of two that say they are active, only one can change anything; but what is read is to
		// be what this one knows.
		if method == http.MethodGet && n.http == told.Request.URL.Host {
			v := at.Query()
			v.Set("namenoderpcaddress", n.rpc)
			at.RawQuery = v.Encode()
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	resp, err := direct.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := remoteError(resp); err != nil {
		return nil, err
	}
	return io.ReadAll(resp.Body)
}

// do makes a request and decodes the answer. Without into, an answer of {"boolean": false} is an error.
func (f *FS) do(ctx context.Context, method, name, op string, params url.Values, into any) error {
	resp, err := f.request(ctx, method, name, op, params)
	if err != nil {
		return fmt.Errorf("testbed: hdfs: %s %s: %w", op, name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("testbed: hdfs: %s %s: %w", op, name, err)
	}
	answer := struct {
		Boolean bool `json:"boolean"`
	}{true}
	if into == nil {
		into = &answer
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, into); err != nil {
			return fmt.Errorf("testbed: hdfs: %s %s: %w in %q", op, name, err, body)
		}
	}
	if !answer.Boolean {
		return fmt.Errorf("testbed: hdfs: %s %s: refused without a reason", op, name)
	}
	return nil
}

// request asks the active NameNode. What was certainly not carried out is asked again for half a minute.
func (f *FS) request(ctx context.Context, method, name, op string, params url.Values) (*http.Response, error) {
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		resp, err := f.askActive(ctx, method, name, op, params)
		if err == nil || !notCarriedOut(err) {
			return resp, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, context.Cause(ctx))
		case <-late.C:
			return nil, err
		case <-again.C:
		}
	}
}

func (f *FS) askActive(ctx context.Context, method, name, op string, params url.Values) (*http.Response, error) {
	node := f.cluster.nameNodes[0]
	if f.node != nil {
		node = f.node
	} else if len(f.cluster.nameNodes) > 1 {
		i, err := f.cluster.Active(ctx)
		if err != nil {
			return nil, err
		}
		node = f.cluster.NameNode(i)
	}
	return f.ask(ctx, node, method, name, op, params)
}

func notCarriedOut(err error) bool {
	if errors.Is(err, errNoneActive) {
		return true
	}
	if e := (*net.OpError)(nil); errors.As(err, &e) && e.Op == "dial" {
		return true
	}
	remote := (*RemoteError)(nil)
	return errors.As(err, &remote) && (remote.Exception == "StandbyException" || remote.Exception == "RetriableException")
}

func (f *FS) ask(ctx context.Context, n *Node, method, name, op string, params url.Values) (*http.Response, error) {
	v := url.Values{"op": {op}, "user.name": {f.user}}
	if f.cluster.kerberos != nil {
		token, err := f.cluster.delegation(ctx, f.user)
		if err != nil {
			return nil, err
		}
		v.Del("user.name")
		v.Set("delegation", token)
	}
	for k := range params {
		v[k] = params[k]
	}
	u := url.URL{Scheme: "http", Host: n.http, Path: "/webhdfs/v1" + path.Join("/", name), RawQuery: v.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := direct.Do(req)
	if err != nil {
		return nil, err
	}
	if err := remoteError(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func remoteError(resp *http.Response) error {
	if resp.StatusCode < 400 {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	var answer struct{ RemoteException *RemoteError }
	if json.Unmarshal(body, &answer) != nil || answer.RemoteException == nil {
		return fmt.Errorf("%s: %.200s", resp.Status, body)
	}
	return answer.RemoteException
}

// TB is the part of testing.TB that NewFolder needs.
type TB interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
}

// NewFolder makes a folder with a name of its own, which belongs to User and Group, and returns its path.
func (c *Cluster) NewFolder(tb TB) string {
	tb.Helper()
	var id [6]byte
	rand.Read(id[:])
	name := "/folder-" + hex.EncodeToString(id[:])
	admin := c.FS(Superuser)
	if err := errors.Join(admin.MkdirAll(tb.Context(), name, "755"), admin.SetOwner(tb.Context(), name, User, Group)); err != nil {
		tb.Fatal(err)
	}
	return name
}
