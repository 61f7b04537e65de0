package state

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"matrix-expiry-report/internal/config"
)

// Credentials sign the requests to OSS.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret config.Secret
	SecurityToken   config.Secret // of a temporary key, else empty
}

// OSS is a bucket. It keeps its connections; the region and the credentials are
// those of each run.
type OSS struct {
	store  config.Store
	client *http.Client
}

// NewOSS returns the bucket of s.
func NewOSS(s config.Store) *OSS {
	transport := http.DefaultTransport.(*http.Transport).Clone() // has the proxy of the environment
	transport.DisableCompression = true
	return &OSS{s, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Objects returns the bucket as a store that signs with c. The region is that of
// the function, or "" outside the cloud.
func (o *OSS) Objects(region string, c Credentials) (Objects, error) {
	config, err := o.config(region)
	if err != nil {
		return nil, err
	}
	config.CredentialsProvider = credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.AccessKeySecret.Reveal(), c.SecurityToken.Reveal())
	prefix := ""
	if o.store.Prefix != "" {
		prefix = o.store.Prefix + "/"
	}
	return ossObjects{oss.NewClient(config), o.store.Bucket, prefix}, nil
}

func (o *OSS) config(region string) (*oss.Config, error) {
	s := o.store
	loopback := s.Endpoint != nil && s.Region == ""
	switch {
	case loopback:
		s.Region = cmp.Or(region, "cn-hangzhou")
	case s.Endpoint == nil && region == "":
		return nil, errors.New("outside the cloud OSS_ENDPOINT is required, such as https://oss-cn-hangzhou.aliyuncs.com")
	case s.Endpoint == nil:
		s.Region, s.Endpoint = region, &url.URL{Scheme: "https", Host: "oss-" + region + "-internal.aliyuncs.com"}
	}
	return &oss.Config{Endpoint: oss.Ptr(s.Endpoint.String()), Region: &s.Region, UsePathStyle: &loopback, HttpClient: o.client}, nil
}

type ossObjects struct {
	client         *oss.Client
	bucket, prefix string
}

// Put uploads an object with forbid-overwrite. It sets no Content-Encoding, so
// that no proxy decompresses the object on its way.
func (o ossObjects) Put(ctx context.Context, name string, data []byte) error {
	_, err := o.client.PutObject(ctx, &oss.PutObjectRequest{
		Bucket: &o.bucket, Key: oss.Ptr(o.prefix + name), Body: bytes.NewReader(data),
		ContentType: oss.Ptr("application/octet-stream"), ForbidOverwrite: oss.Ptr("true"),
	})
	return ossError(ctx, "put object", err)
}

func (o ossObjects) Get(ctx context.Context, name string) ([]byte, error) {
	result, err := o.client.GetObject(ctx, &oss.GetObjectRequest{Bucket: &o.bucket, Key: oss.Ptr(o.prefix + name)})
	if err != nil {
		return nil, ossError(ctx, "get object", err)
	}
	defer result.Body.Close()
	data, err := io.ReadAll(io.LimitReader(result.Body, maxObjectBytes+1))
	switch {
	case err != nil:
		return nil, ossError(ctx, "get object", err)
	case len(data) > maxObjectBytes:
		return nil, errTooLarge
	}
	return data, nil
}

// maxListPages bounds the pages of one listing, of 1,000 names each.
const maxListPages = 20

func (o ossObjects) List(ctx context.Context, prefix, after string) (names []string, err error) {
	request := &oss.ListObjectsV2Request{Bucket: &o.bucket, Prefix: oss.Ptr(o.prefix + prefix), MaxKeys: 1000}
	if after != "" {
		request.StartAfter = oss.Ptr(o.prefix + after)
	}
	for range maxListPages {
		page, err := o.client.ListObjectsV2(ctx, request)
		if err != nil {
			return nil, ossError(ctx, "list objects", err)
		}
		for _, object := range page.Contents {
			if name, ok := strings.CutPrefix(oss.ToString(object.Key), o.prefix); ok {
				names = append(names, name)
			}
		}
		if !page.IsTruncated {
			return names, nil
		}
		request.ContinuationToken = page.NextContinuationToken
	}
	return nil, fmt.Errorf("list objects: more than %d pages", maxListPages)
}

func (o ossObjects) Delete(ctx context.Context, name string) error {
	_, err := o.client.DeleteObject(ctx, &oss.DeleteObjectRequest{Bucket: &o.bucket, Key: oss.Ptr(o.prefix + name)})
	return ossError(ctx, "delete object", err)
}

// ossError returns an error that shows only code, status and request id: the
// library's own errors can hold URLs, headers and the security token.
func ossError(ctx context.Context, operation string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", operation, ctx.Err())
	}
	if service, ok := errors.AsType[*oss.ServiceError](err); ok {
		cause := &OSSError{operation, service.StatusCode, plain(service.Code), plain(service.RequestID)}
		switch {
		case cause.Status == http.StatusConflict && cause.Code == "FileAlreadyExists":
			return fmt.Errorf("%w: %w", cause, fs.ErrExist)
		case cause.Status == http.StatusNotFound && cause.Code == "NoSuchKey":
			return fmt.Errorf("%w: %w", cause, fs.ErrNotExist)
		}
		return cause
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %w", operation, io.ErrUnexpectedEOF)
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %s: %w", operation, network.Op, network.Err)
	}
	return fmt.Errorf("%s: the request failed without a valid response", operation)
}

// OSSError is an error response of OSS.
type OSSError struct {
	Operation       string
	Status          int
	Code, RequestID string
}

func (e *OSSError) Error() string {
	return fmt.Sprintf("%s: %s (status %d, request id %s)", e.Operation, e.Code, e.Status, e.RequestID)
}

// plain returns s if it has the form of a code or a request id.
func plain(s string) string {
	if !regexp.MustCompile(plainText).MatchString(s) {
		return "unknown"
	}
	return s
}

const plainText = `^[A-Za-z0-9._-]{1,64}$`
