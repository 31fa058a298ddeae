import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: 'rbac.authorization.k8s.io/Role',
    with: { rules: [{ verbs: [] }, { nonResourceURLs: ['/x'], verbs: ['get'] }] },
    says: [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
      'rules[1].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
    ],
  },
  {
    kind: 'rbac.authorization.k8s.io/ClusterRole',
    with: {
      aggregationRule: { clusterRoleSelectors: [] },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['a'], nonResourceURLs: ['/x'] }],
    },
    says: [
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ],
  },
  {
    kind: 'rbac.authorization.k8s.io/RoleBinding',
    with: { subjects: [{ kind: 'Robot', name: '' }], 'roleRef.kind': 'Thing' },
    says: [
      'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"',
      'subjects[0].name: Required value',
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ],
  },
  {
    kind: 'rbac.authorization.k8s.io/ClusterRoleBinding',
    with: { subjects: [{ kind: 'ServiceAccount', name: 's' }], 'roleRef.kind': 'Role' },
    says: [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
    ],
  },
  {
    kind: 'rbac.authorization.k8s.io/ClusterRoleBinding',
    onUpdate: true,
    with: { 'roleRef.name': 'edit' },
    says: [
      'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"edit"}: cannot change roleRef',
    ],
  },
  {
    kind: 'certificates.k8s.io/CertificateSigningRequest',
    with: { 'spec.usages': ['fly', 'any', 'any'], 'spec.signerName': 'x', 'spec.expirationSeconds': 5 },
    says: [
      'spec.usages[0]: Unsupported value: "fly": supported values: "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping"',
      'spec.usages[2]: Duplicate value: "any"',
      'spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form \'example.com/signer-name\'',
      'spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)',
    ],
  },
  {
    kind: 'flowcontrol.apiserver.k8s.io/FlowSchema',
    with: {
      'spec.matchingPrecedence': 20000,
      'spec.priorityLevelConfiguration.name': '',
      'spec.distinguisherMethod': { type: 'X' },
    },
    says: [
      'spec.matchingPrecedence: Invalid value: 20000: must not be greater than 10000',
      'spec.distinguisherMethod.type: Unsupported value: {"type":"X"}: supported values: "ByNamespace", "ByUser"',
      'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
    ],
  },
  {
    kind: 'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
    with: {
      'spec.limited.limitResponse': { type: 'Reject', queuing: { queues: 1 } },
      'spec.limited.lendablePercent': 101,
    },
    says: [
      'spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited',
      'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    ],
  },
  {
    kind: 'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
    with: {
      'webhooks.0.sideEffects': 'Some',
      'webhooks.0.timeoutSeconds': 31,
      'webhooks.0.clientConfig': { url: 'http://a' },
    },
    says: [
      'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
      'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
      'webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
    ],
  },
  {
    kind: 'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
    with: { 'spec.validationActions': ['Deny', 'Warn'], 'spec.policyName': '' },
    says: [
      'spec.policyName: Required value',
      'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  },
  {
    kind: 'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
    with: { 'spec.validations': [], 'spec.failurePolicy': 'X' },
    says: [
      'spec.failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  },
  {
    kind: 'apiregistration.k8s.io/APIService',
    with: { 'spec.groupPriorityMinimum': 0, 'spec.caBundle': 'eA==' },
    says: [
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
    ],
  },
]);
