package extract

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"shadoof/storage"
)

// A probe looks at one address, step by step, as far as it comes.
type probe struct {
	opts    Options
	address string
	found   []storage.Finding // after the run
	guess   string            // which Kafka it is, by the requests that it takes
}

func (p *probe) name(what string) string { return p.address + " " + what }

func (p *probe) run(ctx context.Context) []storage.Finding {
	ctx, cancel := context.WithTimeout(ctx, p.opts.Patience)
	defer cancel()
	reached := p.reach(ctx)
	found := []storage.Finding{reached}
	if reached.Grade == storage.Absent {
		return found
	}
	if p.opts.TLS.Enabled {
		f := p.certificate(ctx)
		found = append(found, f)
		if f.Grade == storage.Bad || f.Grade == storage.Absent {
			return found
		}
	}
	return append(found, p.talk(ctx)...)
}

// reach resolves and connects. Where a name has several addresses, each must take connections: clients get any of them.
func (p *probe) reach(ctx context.Context) storage.Finding {
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		return failed(p.name("reachable"), err)
	}
	ips := []string{host}
	if net.ParseIP(host) == nil {
		if ips, err = net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return finding(storage.Absent, p.name("reachable"), "the name does not resolve here: %v: check kafka.brokers, and DNS on this machine", err)
		}
	}
	began := time.Now()
	var dead []string
	for _, ip := range ips {
		conn, derr := p.opts.Dialer(ctx, "tcp", net.JoinHostPort(ip, port))
		if derr != nil {
			err = derr
			dead = append(dead, ip)
			continue
		}
		_ = conn.Close() // nothing was said on it
	}
	switch {
	case len(dead) == len(ips):
		return finding(storage.Absent, p.name("reachable"), "no connection: %v: check host and port, that the broker runs, and firewalls", err)
	case len(dead) > 0:
		return finding(storage.Doubt, p.name("reachable"), "%s of %s do not take connections (%s): clients that get one of these wait: %v", count(len(dead), "address"), host, some(dead), err)
	}
	took := time.Since(began)
	return finding(storage.Good, p.name("reachable"), "%s in %s", some(ips), took.Round(100*time.Microsecond))
}

// soonExpired is how long before its end a certificate becomes a doubt.
const soonExpired = 21 * 24 * time.Hour

func (p *probe) certificate(ctx context.Context) storage.Finding {
	name := p.name("certificate")
	config, err := p.opts.TLS.config()
	if err != nil {
		return finding(storage.Bad, name, "%v", err)
	}
	conn, err := overTLS(p.opts.Dialer, config)(ctx, "tcp", p.address)
	if err != nil {
		return p.badHandshake(ctx, name, err)
	}
	defer func() { _ = conn.Close() }() // nothing was said on it
	state := conn.(*tls.Conn).ConnectionState()
	cert := state.PeerCertificates[0]
	text := fmt.Sprintf("%s; %s", describeCertificate(cert), tls.VersionName(state.Version))
	if left := time.Until(cert.NotAfter); left < soonExpired {
		return finding(storage.Doubt, name, "%s: it ends in %s: renew it", text, days(left))
	}
	return finding(storage.Good, name, "%s", text)
}

func (p *probe) badHandshake(ctx context.Context, name string, err error) storage.Finding {
	var (
		unverified *tls.CertificateVerificationError
		unknown    x509.UnknownAuthorityError
		wrongHost  x509.HostnameError
		invalid    x509.CertificateInvalidError
		network    net.Error
	)
	text := err.Error()
	if errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0 {
		text = unverified.Err.Error() + " (" + describeCertificate(unverified.UnverifiedCertificates[0]) + ")"
	}
	switch {
	case errors.As(err, &unknown):
		return finding(storage.Bad, name, "%s: name the authority that signed it in kafka.tls.ca_file", text)
	case errors.As(err, &wrongHost):
		return finding(storage.Bad, name, "%s: use a name that the certificate has, or set kafka.tls.server_name", text)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return finding(storage.Bad, name, "%s: renew the broker's certificate, or set this machine's clock", text)
	case unverified != nil:
		return finding(storage.Bad, name, "%s", text)
	case p.speaks(ctx, false):
		return finding(storage.Bad, name, "this port does not speak TLS: name the port of a listener that does, or set kafka.tls.enabled to false")
	case wrongTLS(err):
		return finding(storage.Bad, name, "%s: the broker refuses the handshake: it may want a client certificate (kafka.tls.cert_file, key_file)", text)
	case errors.As(err, &network) && network.Timeout():
		return finding(storage.Absent, name, "%s: the handshake hangs", text)
	}
	return finding(storage.Absent, name, "%s", text)
}

// speaks says whether the port answers Kafka's first question, with or without TLS, whatever certificate it shows.
func (p *probe) speaks(ctx context.Context, secure bool) bool {
	o := p.opts
	o.Brokers, o.TLS, o.SASL = []string{p.address}, TLS{}, SASL{}
	dial := o.Dialer
	if secure {
		o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			// Only to tell people which kind of port it is: nothing is sent that anybody may not see.
			return overTLS(dial, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})(ctx, network, address)
		}
	}
	k, err := New(o)
	if err != nil {
		return false
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = k.client.SeedBrokers()[0].Request(ctx, versionsRequest())
	return err == nil
}

func versionsRequest() kmsg.Request {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "shadoof", "1" // brokers refuse empty ones
	return req
}

// talk signs in, and asks what the broker can.
func (p *probe) talk(ctx context.Context) []storage.Finding {
	o := p.opts
	o.Brokers = []string{p.address}
	k, err := New(o)
	if err != nil {
		return []storage.Finding{failed(p.name("answers"), err)}
	}
	defer k.Close()
	seed := k.client.SeedBrokers()[0]
	if err := k.signIn(ctx, seed); err != nil {
		return []storage.Finding{p.refused(ctx, err)}
	}
	var found []storage.Finding
	if s := p.opts.SASL; s.Mechanism != "" {
		found = append(found, p.signedIn())
	}
	resp, err := seed.Request(ctx, versionsRequest())
	if err != nil {
		return append(found, failed(p.name("protocol"), err))
	}
	versions := resp.(*kmsg.ApiVersionsResponse)
	if err := kerr.ErrorForCode(versions.ErrorCode); err != nil {
		return append(found, failed(p.name("protocol"), err))
	}
	p.guess = guessVersion(versions)
	return append(found, p.requests(versions))
}

// signIn asks for nothing that a permission is needed for, until there is an answer or no hope for one.
func (k *Kafka) signIn(ctx context.Context, seed *kgo.Broker) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	return k.patiently(ctx, "sign in", func(ctx context.Context) error {
		_, err := seed.Request(ctx, req)
		return err
	})
}

func (p *probe) signedIn() storage.Finding {
	s, name := p.opts.SASL, p.name("authentication")
	text := fmt.Sprintf("%s as %s", s.Mechanism, s.Username)
	if strings.EqualFold(s.Mechanism, "PLAIN") && !p.opts.TLS.Enabled {
		return finding(storage.Doubt, name, "%s: the password goes over the network in the clear: use TLS or SCRAM", text)
	}
	return finding(storage.Good, name, "%s", text)
}

// refused says why nobody answered after the connection stood.
func (p *probe) refused(ctx context.Context, err error) storage.Finding {
	offered := p.mechanisms(ctx)
	switch {
	case errors.Is(err, ErrAuth):
		text := err.Error()
		if len(offered) > 0 {
			text += fmt.Sprintf("; the broker takes %s on this port", strings.Join(offered, ", "))
		}
		return finding(storage.Bad, p.name("authentication"), "%s", text)
	case p.opts.SASL.Mechanism == "" && len(offered) > 0:
		return finding(storage.Bad, p.name("authentication"), "this port wants authentication by %s: set kafka.sasl", strings.Join(offered, " or "))
	case !p.opts.TLS.Enabled && p.speaks(context.WithoutCancel(ctx), true):
		return finding(storage.Bad, p.name("answers"), "this port speaks TLS: set kafka.tls.enabled to true")
	}
	return finding(gradeOf(err), p.name("answers"), "it takes connections, but does not answer as Kafka does: %v: is it the port of a Kafka listener for clients?", err)
}

// mechanisms are the ways of authentication that the port offers; none where it wants none.
func (p *probe) mechanisms(ctx context.Context) []string {
	o := p.opts
	o.Brokers, o.SASL = []string{p.address}, SASL{}
	k, err := New(o)
	if err != nil {
		return nil
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Mechanism = "NONE" // the refusal lists what there is
	resp, err := k.client.SeedBrokers()[0].Request(ctx, req)
	if err != nil {
		return nil
	}
	return resp.(*kmsg.SASLHandshakeResponse).SupportedMechanisms
}

// A need is a request that lifting sends, and the versions of it that make a difference.
type need struct {
	key      kmsg.Key
	least    int16  // without it nothing can be lifted
	better   int16  // without it: lost is not noticed
	lost     string // what then is not noticed
	optional bool
}

var needs = []need{
	{key: kmsg.Fetch, least: 4, better: 13, lost: "a topic that is recreated during a read is not noticed at once, and before version 12 nor is a log that is cut back during one"},
	{key: kmsg.ListOffsets, least: 2},
	{key: kmsg.Metadata, least: 4, better: 10, lost: "topics have no ids: a recreated topic is recognised by its last record, as long as Kafka keeps it"},
	{key: kmsg.OffsetForLeaderEpoch, least: 2, lost: "a truncated log is not noticed", optional: true},
	{key: kmsg.DescribeConfigs, lost: "settings of topics are not seen, and holes of compacted topics are not explained", optional: true},
}

// requests compares what the broker can with what is needed.
func (p *probe) requests(v *kmsg.ApiVersionsResponse) storage.Finding {
	has := map[int16][2]int16{}
	for _, k := range v.ApiKeys {
		has[k.ApiKey] = [2]int16{k.MinVersion, k.MaxVersion}
	}
	var missing, worse, there []string
	for _, n := range needs {
		span, ok := has[n.key.Int16()]
		switch {
		case (!ok || span[1] < n.least) && n.optional:
			worse = append(worse, n.lost)
		case !ok:
			missing = append(missing, n.key.Name())
		case span[1] < n.least:
			missing = append(missing, fmt.Sprintf("%s from version %d on (it has up to %d)", n.key.Name(), n.least, span[1]))
		case span[1] < n.better:
			worse = append(worse, fmt.Sprintf("%s only to version %d: %s", n.key.Name(), span[1], n.lost))
		}
		if ok {
			there = append(there, fmt.Sprintf("%s %d-%d", n.key.Name(), span[0], span[1]))
		}
	}
	text := strings.Join(there, ", ")
	if p.guess != "" {
		text = p.guess + ": " + text
	}
	name := p.name("protocol")
	switch {
	case len(missing) > 0:
		return finding(storage.Bad, name, "%s is missing: Kafka 0.11 or later is needed (%s)", strings.Join(missing, ", "), text)
	case len(worse) > 0:
		return finding(storage.Doubt, name, "%s (%s)", strings.Join(worse, "; "), text)
	}
	return finding(storage.Good, name, "%s", text)
}

// guessVersion is the release by its requests; "" where it fits none, as with other makers' brokers.
func guessVersion(v *kmsg.ApiVersionsResponse) string {
	guess := kversion.FromApiVersionsResponse(v).VersionGuess()
	if !strings.HasPrefix(guess, "v") {
		return ""
	}
	return "Kafka " + guess[1:]
}

// examineClientCertificate looks at how long our own certificate is good for.
func (k *Kafka) examineClientCertificate() []storage.Finding {
	t := k.opts.TLS
	if t.CertFile == "" {
		return nil
	}
	const name = "client certificate"
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return []storage.Finding{finding(storage.Bad, name, "%v", err)}
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return []storage.Finding{finding(storage.Bad, name, "%s: %v", t.CertFile, err)}
	}
	switch left := time.Until(cert.NotAfter); {
	case left <= 0:
		return []storage.Finding{finding(storage.Bad, name, "%s: it has expired: renew %s", describeCertificate(cert), t.CertFile)}
	case left < soonExpired:
		return []storage.Finding{finding(storage.Doubt, name, "%s: it ends in %s: renew %s", describeCertificate(cert), days(left), t.CertFile)}
	}
	return []storage.Finding{finding(storage.Good, name, "%s", describeCertificate(cert))}
}

// describeCertificate says whose it is, who signed it, for which names, and until when.
func describeCertificate(c *x509.Certificate) string {
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	text := fmt.Sprintf("%s, signed by %s, until %s", c.Subject, c.Issuer, c.NotAfter.UTC().Format(time.DateOnly))
	if len(names) > 0 {
		text += ", for " + some(names)
	}
	return text
}

func days(d time.Duration) string {
	if d < 0 {
		return "the past"
	}
	if d < 48*time.Hour {
		return d.Round(time.Hour).String()
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

func joinHostPort(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
