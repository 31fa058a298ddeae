/** A command line of kubectl; `{dir}` is the directory of the test's files. */
export type Line =
  | string
  | { readonly line: string; readonly input?: string; readonly env?: Readonly<Record<string, string>> };

/** A Deployment, a CronJob, a Service, bindings and maps to change. */
const OBJECTS = `apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: web}}
data: {greeting: "hello <you>", colour: red}
---
apiVersion: v1
kind: Secret
metadata: {name: hush}
stringData: {pass.word: s3cret}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: first, image: "first:1"}]
      containers:
      - {name: web, image: "web:1", env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}
      - {name: side, image: "side:1", resources: {limits: {cpu: 100m}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      template:
        spec: {restartPolicy: Never, containers: [{name: tick, image: "tick:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, ports: [{port: 80}], selector: {app: web}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: anna}]
`;

const CHANGED_MAP = `apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: web}}
data: {greeting: "hello <you>", colour: blue}
`;

const NEW_MAP = `apiVersion: v1
kind: ConfigMap
metadata: {name: fresh}
data: {k: v}
`;

const SECRET = `apiVersion: v1
kind: Secret
metadata: {name: hush}
data: {pass.word: b3RoZXI=, more: bW9yZQ==}
`;

const SET = ['one', 'two'].map(
  (name) => `---
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: {set: pruned}}
`,
);

/** A PKCS#10 request for the name anna, in PEM, in base64; its key is gone. */
const REQUEST = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISk1IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RVlXNXVZVEJaTUJN',
  'R0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSApBMElBQkRhc1dKWHBuVnR4dzJBWms1Zkx6SmJmM2piOFcvc04xQ09CelltRXZ4YmJm',
  'eUxDdXY4K25nUDdtN0xDClNqajkyNjhOMFI5VHIzdXBwbmhOS1hyMVlkV2dBREFLQmdncWhrak9QUVFEQWdOSUFEQkZBaUVBNjll',
  'bGMxRHAKVitsYnlCNzhaRmpCdmpTL29maE1KMmFYRURlekFld3lqZDRDSUhmeDJvZ0NyRW5YRkdUQjBialZWTXBSdXhtNQpHTGs5',
  'dVFUZEpMWjdIUk8zCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=',
].join('');

const REQUESTS = ['anna', 'bert'].map(
  (name) => `---
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: ${name}}
spec:
  request: ${REQUEST}
  signerName: example.com/signer
  usages: [client auth]
`,
);

export const FILES: Readonly<Record<string, string>> = {
  'objects.yaml': OBJECTS,
  'changed.yaml': CHANGED_MAP,
  'fresh.yaml': NEW_MAP,
  'new.yaml': NEW_MAP.replace('fresh', 'newer'),
  'plain.yaml': NEW_MAP.replace('fresh', 'plain'),
  'request.yaml': REQUESTS.join(''),
  'secret.yaml': SECRET,
  'set.yaml': SET.join(''),
  'set-less.yaml': SET[0] ?? '',
};

/** Runs of command lines that change things, in order; every byte is upstream's. */
export const CHANGE_SCRIPTS: Readonly<Record<string, readonly Line[]>> = {
  apply: ['apply -f {dir}/objects.yaml', 'apply -f {dir}/objects.yaml'],
  'set image': [
    'set image deploy/web web=web:2 side=side:2',
    'set image deploy/web web=web:2',
    'set image deploy web first=first:2 -o name',
    'set image cronjob/tick *=tick:2',
    'set image deploy/web *=all:1 web=web:2',
    'set image deploy/web nobody=web:2',
    'set image deploy/web',
    'set image deploy/web web',
    'set image deploy/web web=web:3 cronjob/tick',
    'set image service/web web=web:2',
    'set image deploy/web web=web:9 --dry-run=client',
    'set image deploy/web web=web:9 --dry-run=server',
    'set image deploy --all web=web:4',
    'set image',
    'set image deploy --all -l a=b web=web:4',
  ],
  'set env': [
    'set env deploy/web A=2 B=3',
    'set env deploy/web A=5 --overwrite=false',
    'set env deploy/web B- -c web',
    'set env deploy/web --list',
    'set env deploy/web --from=secret/hush -c side',
    'set env deploy/web --from=configmap/web --keys=colour --prefix=MY_ -c web',
    'set env deploy/web --list -c web',
    'set env deploy/web X=1 -c nobody',
    'set env deploy/web',
    'set env cronjob/tick T=1',
    { line: 'set env deploy/web -c side -e Q=1 -', input: 'ONE=1\nTWO=2 # both\n' },
    'set env deploy/web 1X=2',
    'set env deploy/web C=1 C-',
    'set env deploy/web --from=service/web',
    'set env service/web A=1',
  ],
  'set resources, serviceaccount, selector, subject': [
    'set resources deploy/web --limits=cpu=200m,memory=64Mi --requests=cpu=0.1',
    'set resources deploy/web -c side --limits=cpu=0',
    'set resources deploy/web -c nobody --limits=cpu=1',
    'set resources deploy/web',
    'set resources deploy/web --limits=cpu',
    'set resources deploy/web --limits=cpu=much',
    'set serviceaccount deploy/web robot',
    'set sa deploy web robot2',
    'set serviceaccount',
    'set selector service web app=other,tier=front',
    'set selector service/web app=more -o name',
    'set selector deploy/web a=b',
    'set subject rolebinding readers --user=bert --user=anna --group=team --serviceaccount=ns:robot',
    'set subject rolebinding readers --user=bert',
    'set subject rolebinding readers',
    'set subject rolebinding readers --serviceaccount=robot',
    'set subject deploy/web --user=bert',
  ],
  taint: [
    'taint node sim-0 a=b:NoSchedule c:PreferNoSchedule',
    'taint node sim-0 a=c:NoSchedule',
    'taint node sim-0 a=c:NoSchedule --overwrite',
    'taint node sim-0 d=e:NoExecute c-',
    'taint nodes --all z=y:PreferNoSchedule',
    'taint nodes -l kubernetes.io/hostname=sim-1 q:NoSchedule --dry-run=client',
    'taint nodes sim-0 a:NoSchedule-',
    'taint nodes sim-0 a-',
    'taint nodes sim-0 d=e',
    'taint nodes sim-0 d=e:Never',
    'taint nodes sim-0 d=e:NoSchedule d=f:NoSchedule',
    'taint nodes sim-0 z=y:NoSchedule z-',
    'taint nodes sim-0',
    'taint nodes a=b:NoSchedule',
    'taint pods sim-0 a=b:NoSchedule',
    'taint nodes sim-0 a=b:NoSchedule sim-1',
    'taint nodes --all z- d-',
    'taint nodes --all z-',
    'taint nodes nowhere a=b:NoSchedule',
  ],
  replace: [
    'replace -f {dir}/changed.yaml',
    'replace -f {dir}/fresh.yaml',
    'replace -f {dir}/changed.yaml --dry-run=client',
    'replace -f {dir}/changed.yaml --dry-run=server -o name',
    'replace --force -f {dir}/changed.yaml',
    'replace --force -f {dir}/fresh.yaml --grace-period=0',
    'replace --force -f {dir}/fresh.yaml --dry-run=client',
    'replace -f {dir}/fresh.yaml --grace-period=3',
    'replace',
    'replace -f {dir}/nope.yaml',
    'replace -f {dir}/changed.yaml --save-config',
    { line: 'replace -f -', input: CHANGED_MAP.replace('blue', 'green') },
  ],
  'edit and the annotations of apply': [
    { line: 'edit configmap web', env: sed('s/colour: .*/colour: edited/') },
    { line: 'edit configmap web', env: sed('s/nothing/else/') },
    { line: 'edit configmap/web deploy/web', env: sed('s/replicas: 2/replicas: 3/') },
    { line: 'edit deploy web --output-patch', env: sed('s/replicas: 3/replicas: 2/') },
    { line: 'edit deploy web -o json', env: sed('s/"replicas": 2/"replicas": 1/') },
    { line: 'edit deploy web', env: sed('s/replicas: 1/replicas: -1/') },
    { line: 'edit deploy web', env: sed('s/replicas: 1/replicas: [/') },
    { line: 'edit deploy web', env: sed('s/^  name: web/  name: net/') },
    { line: 'edit configmap web', env: { EDITOR: 'false' } },
    { line: 'edit configmap web', env: { KUBE_EDITOR: 'no-such-editor', EDITOR: 'false' } },
    { line: 'edit configmap nope', env: sed('s/a/b/') },
    'edit',
    'apply view-last-applied configmap/web',
    'apply view-last-applied configmap web -o json',
    'apply view-last-applied configmap/web -o wide',
    'apply view-last-applied nodes/sim-0',
    'apply set-last-applied -f {dir}/changed.yaml',
    'apply set-last-applied -f {dir}/changed.yaml',
    'apply set-last-applied -f {dir}/objects.yaml --dry-run=server',
    'create -f {dir}/plain.yaml',
    'apply set-last-applied -f {dir}/plain.yaml',
    'apply set-last-applied -f {dir}/plain.yaml --create-annotation',
    { line: 'apply edit-last-applied configmap/plain', env: sed('s/k: v/k: w/') },
    { line: 'apply edit-last-applied configmap/plain', env: sed('s/nothing/else/') },
    { line: 'apply edit-last-applied nodes/sim-0', env: sed('s/k: v/k: w/') },
    'apply view-last-applied configmap/plain',
    'delete configmap plain',
  ],
  'diff and prune': [
    'apply -f {dir}/objects.yaml',
    'diff -f {dir}/objects.yaml',
    'diff -f {dir}/changed.yaml',
    'diff -f {dir}/new.yaml --server-side',
    'diff -f {dir}/changed.yaml --server-side --force-conflicts',
    'diff -f {dir}/changed.yaml --server-side',
    'diff -f {dir}/secret.yaml',
    'diff -f {dir}/secret.yaml --show-secrets',
    'diff',
    'diff -f {dir}/nope.yaml',
    { line: 'diff -f {dir}/changed.yaml', env: { KUBECTL_EXTERNAL_DIFF: 'diff -q -r' } },
    { line: 'diff -f {dir}/changed.yaml', env: { KUBECTL_EXTERNAL_DIFF: 'no-such-diff' } },
    'apply -f {dir}/set.yaml --prune -l set=pruned',
    'apply -f {dir}/set-less.yaml --prune -l set=pruned --dry-run=client',
    'apply -f {dir}/set-less.yaml --prune -l set=pruned --dry-run=server',
    'diff -f {dir}/set-less.yaml --prune -l set=pruned',
    'apply -f {dir}/set-less.yaml --prune -l set=pruned --prune-allowlist=core/v1/Secret',
    'apply -f {dir}/set-less.yaml --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap',
    'apply -f {dir}/set-less.yaml --prune',
    'apply -f {dir}/set-less.yaml --prune --all --prune-allowlist=ConfigMap',
    'apply -f {dir}/set-less.yaml --prune --all --prune-allowlist=core/v1/Nothing',
  ],
  config: [
    'config current-context',
    'config get-contexts',
    'config get-contexts -o name',
    'config get-contexts nobody',
    'config get-clusters',
    'config get-users',
    'config set-context other --cluster=far --user=me --namespace=there',
    'config set-context other --namespace=here',
    'config set-context --current --namespace=default',
    'config set-context',
    'config set-context other --current',
    'config get-contexts',
    'config set-cluster far --server=https://192.0.2.1:6443 --insecure-skip-tls-verify',
    'config set-cluster far --certificate-authority={dir}/plain.yaml',
    'config set-cluster near --certificate-authority={dir}/plain.yaml --embed-certs --server=https://192.0.2.2',
    'config set-cluster near --certificate-authority={dir}/nope --embed-certs',
    'config set-cluster near --certificate-authority=a --insecure-skip-tls-verify',
    'config set-cluster near --embed-certs',
    'config set-credentials me --token=abc',
    'config set-credentials me --username=anna --password=secret',
    'config set-credentials me --username=anna --token=secret',
    'config set-credentials me --client-certificate={dir}/plain.yaml --client-key={dir}/plain.yaml',
    'config use-context other',
    'config current-context',
    'config use-context nobody',
    'config rename-context other another',
    'config rename-context other another',
    'config rename-context another kubernetes-admin@coracle-test',
    'config get-contexts another',
    'config set clusters.far.server https://192.0.2.9',
    'config set contexts.another.namespace somewhere',
    'config unset contexts.another.namespace',
    'config unset users.me',
    'config view',
    'config view --raw --minify',
    'config view -o jsonpath={.current-context}',
    'config delete-context another',
    'config delete-context another',
    'config delete-cluster far',
    'config delete-user me',
    'config delete-cluster near',
    'config use-context kubernetes-admin@coracle-test',
    'config unset current-context',
    'config current-context',
    'config use-context kubernetes-admin@coracle-test',
    'config view',
  ],
  'create and expose': [
    'create quota few --hard=configmaps=20,cpu=0.5 --scopes=BestEffort --dry-run=client',
    'create quota few --hard=configmaps=20',
    'create quota few --hard=configmaps',
    'create quota few --hard=configmaps=much',
    'create quota',
    'create pdb web --selector=app=web --min-available=50%',
    'create pdb web --selector=app=web',
    'create pdb web --selector=app=web --min-available=1 --max-unavailable=1',
    'create pdb web --min-available=1',
    'create pdb web --selector=app=web --min-available=x',
    'create pdb web --selector=app=web --max-unavailable=1 --dry-run=client -o yaml',
    'create priorityclass high --value=10 --description=much --global-default',
    'create ingress front --rule=a.b/c*=web:80,tls=cert --rule=a.b/=web:http --default-backend=web:80 --class=nginx --annotation=a=b',
    'create ingress front --rule=/=web:80,tls --dry-run=client -o yaml',
    'create ingress front --rule=web:80',
    'create ingress front',
    'get ingress,quota,pdb,pc',
    'expose deploy web --port=80 --name=exposed --cluster-ip=None --dry-run=server',
    'delete ingress,quota,pdb --all',
    'delete pc high',
    'plugin list',
    'top node',
    'top pod',
  ],
  'cp and debug, refused': [
    'cp',
    'cp a b',
    'cp a:b c:d',
    'cp a: b',
    'cp :a b',
    'cp a/b/c:d e',
    'cp {dir}/nope web:/x',
    'cp nobody:/x y',
    'debug',
    'debug web',
    'debug nobody --image=box:1',
    'debug web --image=box:1 --replace',
    'debug web --image=box:1 --set-image=a=b',
    'debug web --copy-to=other',
    'debug web --copy-to=other -- sh',
    'debug web --image=box:1 -t',
    'debug web --image=box:1 --image-pull-policy=Sometimes',
    'debug web --image=box:1 --copy-to=other --target=web',
    'debug deploy/web --image=box:1',
  ],
  'autoscale and certificates': [
    'autoscale deploy web --max=3',
    'autoscale deploy web --max=3 --cpu=50%',
    'autoscale deploy web --min=2 --max=5 --cpu=500 --memory=1Gi --name=other',
    'autoscale deploy web --min=2 --max=5 --cpu-percent=80 --name=third',
    'autoscale deploy web --max=5 --memory=60% --name=fourth --dry-run=client',
    'autoscale deploy web --max=5 --memory=60% --name=fourth --dry-run=client -o yaml',
    'autoscale deploy web --max=5 --memory=200 --name=fourth --dry-run=server -o name',
    'autoscale deploy web --max=1 --min=2',
    'autoscale deploy web --max=0',
    'autoscale deploy web',
    'autoscale deploy web --max=3 --cpu=much',
    'autoscale deploy web --max=3 --cpu=x%',
    'autoscale deploy web --max=3 --cpu=1 --cpu-percent=3',
    'autoscale configmap web --max=3',
    'get hpa',
    'delete hpa --all',
    'apply -f {dir}/request.yaml',
    'certificate approve',
    'certificate approve nobody',
    'certificate approve anna',
    'certificate approve anna',
    'certificate deny anna',
    'certificate deny -f {dir}/request.yaml',
    'certificate deny bert --force',
    'get csr -o name',
    'delete csr anna bert',
  ],
};

/** An editor that changes the file by itself. */
function sed(script: string): Readonly<Record<string, string>> {
  return { EDITOR: `sed -i -e "${script}"` };
}
