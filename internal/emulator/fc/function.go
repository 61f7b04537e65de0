package fc

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// FunctionConfig is what CreateFunction and UpdateFunction take.
type FunctionConfig struct {
	FunctionName         string            `json:"functionName"`
	Description          string            `json:"description,omitempty"`
	Runtime              string            `json:"runtime"`
	Handler              string            `json:"handler"`
	Role                 string            `json:"role,omitempty"`
	CPU                  float64           `json:"cpu"`
	MemorySize           int               `json:"memorySize"`
	DiskSize             int               `json:"diskSize"`
	Timeout              int               `json:"timeout"`
	InstanceConcurrency  int               `json:"instanceConcurrency"`
	InternetAccess       bool              `json:"internetAccess"`
	EnvironmentVariables map[string]string `json:"environmentVariables,omitempty"`
	LogConfig            *LogConfig        `json:"logConfig,omitempty"`
	Code                 *Code             `json:"code,omitempty"`
}

// LogConfig says where the platform keeps the function's output.
type LogConfig struct {
	Project               string `json:"project"`
	Logstore              string `json:"logstore"`
	EnableRequestMetrics  bool   `json:"enableRequestMetrics"`
	EnableInstanceMetrics bool   `json:"enableInstanceMetrics"`
	LogBeginRule          string `json:"logBeginRule,omitempty"`
}

// Code names an uploaded object.
type Code struct {
	OSSBucketName string `json:"ossBucketName"`
	OSSObjectName string `json:"ossObjectName"`
}

var (
	functionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)
	variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	roleARN      = regexp.MustCompile(`^acs:ram::` + account + `:role/[a-z0-9-]+$`)
)

// maxVariables is the limit of the names and values of all variables.
const maxVariables = 4096

// check returns why the platform refuses c.
func (c FunctionConfig) check() *refusal {
	size := 0
	for name, value := range c.EnvironmentVariables {
		size += len(name) + len(value)
		if !variableName.MatchString(name) || strings.HasPrefix(name, "FC_") {
			return refuse(http.StatusBadRequest, "InvalidArgument", "the environment variable %s is reserved or not a name", name)
		}
	}
	for _, rule := range []struct {
		ok   bool
		what string
	}{
		{functionName.MatchString(c.FunctionName), "functionName has 1 to 64 letters, digits, _ and -"},
		{c.Runtime == "go1", "runtime is go1, the only one emulated"},
		{c.Handler != "", "handler is mandatory"},
		{c.Timeout >= 1 && c.Timeout <= 86400, "timeout is 1 to 86400"},
		{c.MemorySize >= 128 && c.MemorySize <= 32768 && c.MemorySize%64 == 0, "memorySize is 128 to 32768 in steps of 64"},
		{c.CPU >= 0.05 && c.CPU*1024 <= float64(c.MemorySize) && c.CPU*4*1024 >= float64(c.MemorySize), "cpu is at least 0.05, and cpu to memory in GB is 1:1 to 1:4"},
		{c.DiskSize == 512 || c.DiskSize == 10240, "diskSize is 512 or 10240"},
		{c.InstanceConcurrency >= 1 && c.InstanceConcurrency <= 200, "instanceConcurrency is 1 to 200"},
		{c.Role == "" || roleARN.MatchString(c.Role), "role is the ARN of a role of the account"},
		{c.LogConfig == nil || c.LogConfig.Project != "" && c.LogConfig.Logstore != "", "logConfig has a project and a logstore"},
		{size <= maxVariables, "the environment variables have at most 4096 bytes"},
	} {
		if !rule.ok {
			return refuse(http.StatusBadRequest, "InvalidArgument", "%s", rule.what)
		}
	}
	return nil
}

// decode reads a body into v. A field of another type, such as a number for an
// environment variable, is refused.
func decode(r *http.Request, v any) *refusal {
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(v); err != nil {
		return refuse(http.StatusBadRequest, "InvalidArgument", "the body cannot be decoded: %v", err)
	}
	return nil
}

// code returns the uploaded zip, which has to contain the handler as a program.
func (s *Server) code(c FunctionConfig) ([]byte, *refusal) {
	bucket, _, _ := strings.Cut(Bucket, ".")
	if c.Code == nil || c.Code.OSSBucketName != bucket || s.uploads[c.Code.OSSObjectName] == nil {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "the code was not uploaded")
	}
	b := s.uploads[c.Code.OSSObjectName]
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "the code is not a zip: %v", err)
	}
	for _, f := range z.File {
		if f.Name == c.Handler && f.Mode()&0o111 != 0 {
			return b, nil
		}
	}
	return nil, refuse(http.StatusBadRequest, "InvalidArgument", "the zip has no program %s", c.Handler)
}

func (s *Server) createFunction(r *http.Request) (any, *refusal) {
	var c FunctionConfig
	if refused := decode(r, &c); refused != nil {
		return nil, refused
	}
	if s.functions[c.FunctionName] != nil {
		return nil, refuse(http.StatusConflict, "FunctionAlreadyExists", "the function %s exists", c.FunctionName)
	}
	if refused := c.check(); refused != nil {
		return nil, refused
	}
	code, refused := s.code(c)
	if refused != nil {
		return nil, refused
	}
	s.functions[c.FunctionName] = &Function{Config: c, Code: code, Triggers: map[string]Trigger{}}
	return c, nil
}

// function returns the function that the path names.
func (s *Server) function(r *http.Request) (*Function, *refusal) {
	name := r.PathValue("function")
	f := s.functions[name]
	if f == nil {
		return nil, refuse(http.StatusNotFound, "FunctionNotFound", "the function %s does not exist", name)
	}
	return f, nil
}

func (s *Server) getFunction(r *http.Request) (any, *refusal) {
	f, refused := s.function(r)
	if refused != nil {
		return nil, refused
	}
	return f.Config, nil
}

// updateFunction replaces the configuration and, if the request has code, the
// code.
func (s *Server) updateFunction(r *http.Request) (any, *refusal) {
	f, refused := s.function(r)
	if refused != nil {
		return nil, refused
	}
	c := FunctionConfig{FunctionName: f.Config.FunctionName}
	if refused := decode(r, &c); refused != nil {
		return nil, refused
	}
	if refused := c.check(); refused != nil {
		return nil, refused
	}
	code := f.Code
	if c.Code != nil {
		if code, refused = s.code(c); refused != nil {
			return nil, refused
		}
	}
	f.Config, f.Code = c, code
	return c, nil
}
