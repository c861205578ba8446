package hdfsbed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// direct never uses a proxy of the environment.
var direct = &http.Client{Transport: func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	return t
}()}

// bean decodes what a node tells of itself by JMX. It needs neither a JVM nor a user.
func (n *Node) bean(ctx context.Context, query string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.http+"/jmx?qry="+url.QueryEscape(query), nil)
	if err != nil {
		return err
	}
	resp, err := direct.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Beans []json.RawMessage `json:"beans"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Beans) != 1 {
		return fmt.Errorf("testbed: hdfs node %s has %d beans %s", n.name, len(answer.Beans), query)
	}
	return json.Unmarshal(answer.Beans[0], into)
}

// haState is which of two a NameNode is.
type haState struct {
	State string // active or standby; "" when it does not answer
	Since int64  `json:"LastHATransitionTime"`
}

func (n *Node) haState(ctx context.Context) (s haState) {
	_ = n.bean(ctx, "Hadoop:service=NameNode,name=NameNodeStatus", &s) // what does not answer has no state
	return s
}

type namesystem struct {
	FSState          string
	NumLiveDataNodes int
	NumInMaintenance int
	UnderReplicated  int `json:"UnderReplicatedBlocks"`
}

// namesystem is what a NameNode knows of its files and DataNodes.
func (n *Node) namesystem(ctx context.Context) (s namesystem, err error) {
	return s, n.bean(ctx, "Hadoop:service=NameNode,name=FSNamesystemState", &s)
}

// containsRunning says whether a DataNode's threads, one for each NameNode, have one that is registered.
func containsRunning(actors string) bool { return strings.Contains(actors, `"RUNNING"`) }
