import { comesToShow, fails, reads, shows, type Step } from './shell.fixture.ts';

const POD = `apiVersion: v1
kind: Pod
metadata:
  name: talk
  labels: { app: talk }
spec:
  terminationGracePeriodSeconds: 2
  containers:
  - name: main
    image: box:1
    imagePullPolicy: IfNotPresent
    command: [sh, -c, 'n=0; trap "exit 0" TERM; while :; do n=$((n+1)); echo "line $n"; sleep 1 & wait; done']
  - name: echo
    image: box:1
    stdin: true
    command: [sh, -c, 'while read line; do echo "heard $line"; done; exec idle']
`;

const CRASH = `apiVersion: v1
kind: Pod
metadata:
  name: crash
spec:
  containers:
  - name: main
    image: box:1
    command: [sh, -c, 'echo "life of $(date +%s)"; sleep 1; exit 3']
`;

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: web:1
        env: [{ name: VERSION, value: one }]
        ports: [{ containerPort: 80 }]
        resources: { requests: { cpu: 10m } }
        readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 1 }
`;

/** What people do with running pods, by kubectl verb. */
export const POD_STEPS: Readonly<Record<string, readonly Step[]>> = {
  'run, wait, logs': [
    reads('kubectl apply -f -', POD + '---\n' + CRASH, /pod\/talk created/, /pod\/crash created/),
    shows('kubectl run once --image=box:1 --restart=Never --command -- echo said once', /pod\/once created/),
    shows('kubectl wait pod talk --for=condition=Ready --timeout=30s', /pod\/talk condition met/),
    shows("kubectl wait pod once --for=jsonpath='{.status.phase}'=Succeeded --timeout=30s", /condition met/),
    shows('kubectl logs once', /^said once\n$/),
    shows('kubectl get pod once -o wide', /^once +0\/1 +Completed +0 +\d+s +10\.\S+ +\S+ +<none> +<none>$/m),
    comesToShow('kubectl logs talk -c main', /^line 2$/m),
    shows(
      "until-shown 'line [0-9]+.line [0-9]+.' kubectl logs talk -c main -f --since=1h --tail=1; true",
      /^line \d+\nline \d+\n/,
    ),
    shows('kubectl logs talk -c main --since=2s --timestamps', /^\d{4}-\d\d-\d\dT[\d:.]+Z line \d+$/m),
    shows('kubectl logs -l app=talk --prefix --all-containers --tail=1', /^\[pod\/talk\/main\] line \d+$/m),
    fails('kubectl logs talk -c nobody', /container nobody is not valid for pod talk/),
    comesToShow('kubectl logs crash -p', /^life of \d+$/m),
    shows('kubectl logs crash -f -p --since=10m', /^life of \d+$/m),
    comesToShow('kubectl get pod crash', /^crash +0\/1 +(?:CrashLoopBackOff|Error) +[1-9]\d* /m),
    reads(
      'kubectl run -i --rm --restart=Never --image=box:1 piped -- cat',
      'typed in\n',
      /typed in/,
      /pod "piped" deleted/,
    ),
  ],
  'exec, attach, cp, port-forward': [
    shows('kubectl exec talk -c main -- echo hello', /^hello\n$/),
    fails(
      'kubectl exec talk -c main -- sh -c "exit 7"; test $? = 7 && exit 1',
      /command terminated with exit code 7/,
    ),
    reads('kubectl exec -i talk -c main -- cat', 'through and back\n', /^through and back$/m),
    shows(
      `script -qec "kubectl exec -it talk -c main -- sh -c 'tty && echo on a terminal'" /dev/null < /dev/null`,
      /\/dev\/(?:pts|console)[^]*on a terminal/,
    ),
    reads(
      "(cat; sleep 1) | until-shown 'heard you' kubectl attach -i talk -c echo; true",
      'you\n',
      /heard you/,
    ),
    shows(
      `(sleep 1; printf 'exit 4\\n') | script -qec "kubectl exec -it talk -c main -- sh" /dev/null; test $? = 4`,
      /exit 4/,
    ),
    shows(
      'mkdir -p tree/empty && echo leaf > tree/leaf && kubectl cp tree talk:/tmp/tree -c main && kubectl cp talk:/tmp/tree tree-back -c main && ls tree-back',
      /^empty$/m,
      /^leaf$/m,
    ),
    shows(
      'echo carried > carried.txt && kubectl cp carried.txt talk:/tmp/there.txt -c main && kubectl exec talk -c main -- cat /tmp/there.txt',
      /^carried$/m,
    ),
    shows('kubectl cp talk:/tmp/there.txt back.txt -c main && cat back.txt', /^carried$/m),
    fails('kubectl exec nobody -- true', /pods "nobody" not found/),
    reads('kubectl apply -f -', WEB, /deployment.apps\/web created/),
    shows('kubectl rollout status deployment/web --timeout=60s', /successfully rolled out/),
    shows(
      'touch pf.log; kubectl port-forward deploy/web :80 > pf.log & pid=$!; until grep -q Forwarding pf.log; do sleep 0.1; done; port=$(sed -n "s/.*127.0.0.1:\\([0-9]*\\) .*/\\1/p" pf.log | head -1); curl -s 127.0.0.1:$port; curl -s 127.0.0.1:$port; kill $pid',
      /version one of web-[^]*version one of web-/,
    ),
    shows(
      'touch px.log; kubectl proxy --port=0 > px.log & pid=$!; until grep -q Starting px.log; do sleep 0.1; done; port=$(sed -n "s/.*127.0.0.1:\\([0-9]*\\).*/\\1/p" px.log); curl -s 127.0.0.1:$port/api/v1/namespaces/$NS/pods/talk | head -3; kill $pid',
      /"kind": "Pod"/,
    ),
  ],
  'describe, events, debug': [
    shows(
      'kubectl describe pod talk',
      /^Name: +talk$/m,
      /Image: +box:1/,
      /Normal +Started +\S+ +kubelet +(?:spec.containers\{main\}: )?Container started/,
      /QoS Class: +BestEffort/,
    ),
    shows(
      'kubectl describe deployment web',
      /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/,
      /Scaled up replica set web-\S+ from 0 to 2/,
    ),
    comesToShow('kubectl top node $NODE --no-headers', /^\S+ +\d+m +\d+% +\d+Mi +\d+%/),
    shows('kubectl describe node $NODE', /Conditions:/, /Allocated resources:/, /talk/),
    shows('kubectl events --for pod/talk', /Started/, /Pod\/talk/),
    shows(
      'kubectl get events --field-selector involvedObject.name=talk,reason=Started',
      /Normal +Started +pod\/talk/,
    ),
    shows(
      'kubectl debug talk --image=box:1 --target=main -c probe -- sh -c "ps | grep -v grep; echo looked" 2>&1',
      /^/,
    ),
    comesToShow('kubectl logs talk -c probe', /line \$n|while|looked/),
    shows("kubectl get pod talk -o jsonpath='{.status.ephemeralContainerStatuses[0].name}'", /^probe$/),
    shows(
      'kubectl debug talk --image=box:1 --copy-to=copy --share-processes -c probe -- sh -c "ps" 2>&1',
      /^/,
    ),
    comesToShow('kubectl logs copy -c probe', /pause|while/),
    shows('kubectl delete pod copy --grace-period=1', /deleted/),
    shows(
      'kubectl debug node/$NODE --image=box:1 -- chroot /host cat /etc/hostname 2>&1',
      /Creating debugging pod node-debugger-/,
    ),
    comesToShow('kubectl get pod -o name | grep node-debugger | xargs kubectl logs', /\S/),
    shows('kubectl get pod -o name | grep node-debugger | xargs kubectl delete', /deleted/),
  ],
  'scale, rollout, expose, autoscale': [
    shows(
      'kubectl scale deployment web --replicas=3 && kubectl rollout status deployment web --timeout=60s',
      /scaled/,
      /successfully rolled out/,
    ),
    shows('kubectl get deployment web', /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +3\/3 +3 +3 +\d+/m),
    shows('kubectl scale deployment web --current-replicas=3 --replicas=2', /scaled/),
    fails(
      'kubectl scale deployment web --current-replicas=9 --replicas=2',
      /Expected replicas to be 9, was 2/,
    ),
    shows('kubectl expose deployment web --port=80 --name=web', /service\/web exposed/),
    comesToShow("curl -s -m 2 $(kubectl get service web -o jsonpath='{.spec.clusterIP}')", /version one/),
    comesToShow(
      'kubectl exec talk -c main -- sh -c "printf \'GET / HTTP/1.0\\r\\n\\r\\n\' | nc web 80"',
      /version one/,
    ),
    shows('kubectl describe service web', /Endpoints: +10\.\S+:80/),
    shows('kubectl get endpointslices -l kubernetes.io/service-name=web', /IPv4 +80 +10\./),
    shows(
      'kubectl set env deployment/web VERSION=two && kubectl rollout status deployment/web --timeout=60s',
      /env updated/,
      /successfully rolled out/,
    ),
    shows('kubectl rollout history deployment/web', /^1 +<none>$/m, /^2 +<none>$/m),
    shows('kubectl rollout history deployment/web --revision=2', /VERSION:\s+two/),
    shows(
      'kubectl rollout undo deployment/web && kubectl rollout status deployment/web --timeout=60s',
      /rolled back/,
      /successfully rolled out/,
    ),
    comesToShow("curl -s -m 2 $(kubectl get service web -o jsonpath='{.spec.clusterIP}')", /version one/),
    shows(
      'kubectl rollout undo deployment/web --to-revision=2 && kubectl rollout status deployment/web --timeout=60s',
      /rolled back/,
      /successfully rolled out/,
    ),
    fails(
      'kubectl rollout undo deployment/web --to-revision=77',
      /unable to find specified revision 77 in history/,
    ),
    shows(
      'kubectl get deployment web --subresource=scale',
      /^NAME +DESIRED +AVAILABLE +AGE\nweb +2 +2 +\d+/m,
    ),
    shows('kubectl rollout pause deployment/web', /paused/),
    shows('kubectl set env deployment/web VERSION=three', /env updated/),
    shows("kubectl get deployment web -o jsonpath='{.status.updatedReplicas}'", /^2?$/),
    shows(
      'kubectl rollout resume deployment/web && kubectl rollout status deployment/web --timeout=60s',
      /resumed/,
      /successfully rolled out/,
    ),
    shows(
      'kubectl rollout restart deployment/web && kubectl rollout status deployment/web --timeout=60s',
      /restarted/,
      /successfully rolled out/,
    ),
    shows(
      'kubectl autoscale deployment web --min=1 --max=3 --cpu-percent=80 2>&1',
      /horizontalpodautoscaler.autoscaling\/web autoscaled/,
    ),
    shows('kubectl get hpa web', /Deployment\/web/),
    shows('kubectl set image deployment/web web=web:1', /^$/),
  ],
  'delete with its modes': [
    shows('kubectl delete hpa,service web', /deleted/),
    shows('kubectl delete deployment web --cascade=orphan', /deleted/),
    shows('kubectl get replicaset -l app=web -o name', /replicaset.apps\/web-/),
    shows('kubectl delete replicaset -l app=web --cascade=foreground --timeout=60s', /deleted/),
    comesToShow('kubectl get pods -l app=web 2>&1', /No resources found/),
    shows('kubectl delete pod talk --grace-period=1', /pod "talk" deleted/),
    shows(
      'kubectl delete pod crash --force --grace-period=0 2>&1',
      /Immediate deletion does not wait[^]*force deleted/,
    ),
    shows(
      'kubectl create job count --image=box:1 -- echo counted && kubectl wait job count --for=condition=Complete --timeout=60s',
      /condition met/,
    ),
    shows('kubectl logs job/count', /^counted$/m),
    shows('kubectl delete job count && kubectl delete pod --all', /deleted/),
  ],
  'cordon, taint, drain': [
    reads('kubectl apply -f -', WEB.replace('replicas: 2', 'replicas: 1'), /created/),
    shows('kubectl rollout status deployment/web --timeout=60s', /successfully rolled out/),
    shows('kubectl cordon $NODE', /cordoned/),
    shows('kubectl get node $NODE', /Ready,SchedulingDisabled/),
    shows(
      'kubectl drain $NODE --ignore-daemonsets --force --delete-emptydir-data --pod-selector=app=web --timeout=60s',
      /evicting pod .*\/web-/,
      /drained/,
    ),
    comesToShow(
      'kubectl describe pod -l app=web',
      /0\/1 nodes are available: 1 node\(s\) were unschedulable/,
    ),
    shows('kubectl uncordon $NODE', /uncordoned/),
    shows('kubectl rollout status deployment/web --timeout=60s', /successfully rolled out/),
    shows('kubectl taint node $NODE test=yes:NoExecute', /tainted/),
    comesToShow('kubectl get pods -l app=web', /Pending/),
    comesToShow('kubectl describe pod -l app=web', /had untolerated taint/),
    shows('kubectl taint node $NODE test-', /untainted/),
    shows('kubectl rollout status deployment/web --timeout=60s', /successfully rolled out/),
    shows('kubectl delete deployment web', /deleted/),
  ],
};
