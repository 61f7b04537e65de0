package cloud

// getCallerIdentity is an action of STS, which needs no permission. The caller
// of a temporary key is a role, the caller of any other key a user.
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-getcalleridentity
func (c *Server) getCallerIdentity(in *call) (any, *apiError) {
	if apiErr := in.checkNames(); apiErr != nil {
		return nil, apiErr
	}
	const account = "1234567890123456"
	out := struct{ AccountId, Arn, IdentityType, PrincipalId, RequestId string }{
		account, "acs:ram::" + account + ":user/emulator", "RAMUser", "216959339000000000", in.id,
	}
	if in.header.Get("x-acs-security-token") != "" || in.params.Get("SecurityToken") != "" {
		out.Arn, out.IdentityType, out.PrincipalId = "acs:ram::"+account+":assumed-role/matrix-expiry-report/emulator", "AssumedRoleUser", "300000000000000000:emulator"
	}
	return out, nil
}
