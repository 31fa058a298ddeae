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

export const FILES: Readonly<Record<string, string>> = {
  'objects.yaml': OBJECTS,
  'changed.yaml': CHANGED_MAP,
  'fresh.yaml': NEW_MAP,
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
};
