import { comesToShow, fails, reads, shows, type Step } from './shell.fixture.ts';

/** What people do with objects alone, by kubectl verb. `$NS` is the namespace, `$NODE` the node. */
export const OBJECT_STEPS: Readonly<Record<string, readonly Step[]>> = {
  'version, cluster-info, api-resources, explain': [
    shows('kubectl version', /Client Version: v1\./, /Server Version: v1\.36\./),
    shows('kubectl version -o json', /"serverVersion"/, /"minor": "36"/),
    shows('kubectl cluster-info', /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/),
    shows(
      'kubectl api-resources',
      /^pods +po +v1 +true +Pod$/m,
      /^deployments +deploy +apps\/v1 +true +Deployment$/m,
    ),
    shows(
      'kubectl api-resources --verbs=list --namespaced=false -o name',
      /^nodes$/m,
      /^storageclasses\.storage\.k8s\.io$/m,
    ),
    shows('kubectl api-versions', /^v1$/m, /^apps\/v1$/m),
    shows('kubectl explain pod.spec.containers.image', /KIND: +Pod/, /FIELD: image <string>/),
    shows(
      'kubectl explain deployment --recursive',
      /GROUP: +apps/,
      /^ {2}spec\t<DeploymentSpec>/m,
      /rollingUpdate\t<RollingUpdateDeployment>/,
    ),
    fails('kubectl explain pod.spec.nonsense', /field "nonsense" does not exist/),
    shows('kubectl get --raw /readyz?verbose', /\[\+\]ping ok/, /readyz check passed/),
  ],
  'create, get in every output, selectors, sort-by': [
    shows('kubectl create configmap one --from-literal=key=first', /^configmap\/one created$/m),
    shows('kubectl create configmap two --from-literal=key=second', /^configmap\/two created$/m),
    shows('kubectl label configmap one tier=front', /^configmap\/one labeled$/m),
    shows('kubectl create secret generic hush --from-literal=password=s3cret', /^secret\/hush created$/m),
    fails('kubectl create configmap one', /configmaps "one" already exists/),
    shows('kubectl get configmap', /^NAME +DATA +AGE$/m, /^one +1 +\d+s$/m),
    shows('kubectl get configmap one -o wide --show-labels', /^one +1 +\d+s +tier=front$/m),
    shows('kubectl get configmap -l tier=front -o name', /^configmap\/one\n$/),
    shows("kubectl get configmap -l 'tier notin (front)' -o name", /^(?!.*\/one$)[^]*configmap\/two$/m),
    shows('kubectl get configmap --field-selector metadata.name=two -o name', /^configmap\/two\n$/),
    shows("kubectl get configmap one -o jsonpath='{.data.key}'", /^first$/),
    shows(
      'kubectl get configmap one two -o custom-columns=N:.metadata.name,K:.data.key',
      /^N +K\none +first\ntwo +second\n$/,
    ),
    shows("kubectl get configmap one -o go-template='{{.data.key}}'", /^first$/),
    shows('kubectl get configmap one -o yaml', /^apiVersion: v1\ndata:\n {2}key: first\nkind: ConfigMap$/m),
    shows('kubectl get configmap one -o json', /"kind": "ConfigMap"/, /"key": "first"/),
    shows('kubectl get configmap --sort-by=.metadata.name --no-headers', /^one[^]*^two/m),
    shows('kubectl get configmap -A --chunk-size=2', /^NAMESPACE +NAME +DATA +AGE$/m, /^kube-system /m),
    shows("kubectl get secret hush -o jsonpath='{.data.password}' | base64 -d", /^s3cret$/),
    fails('kubectl get configmap nothing', /Error from server \(NotFound\): configmaps "nothing" not found/),
    shows(
      '(sleep 0.5; kubectl label configmap two seen=yes >/dev/null) & until-shown seen=yes kubectl get configmap two -w --show-labels; wait',
      /two[^]*seen=yes/,
    ),
    shows('kubectl get all,configmap -n kube-system', /service\/kube-dns/),
    shows('kubectl delete configmap one two', /^configmap "one" deleted/m, /^configmap "two" deleted/m),
    shows(
      'kubectl delete secret hush --ignore-not-found; kubectl delete secret hush --ignore-not-found',
      /secret "hush" deleted/,
    ),
  ],
  'apply, diff, prune, edit, patch, replace, annotate': [
    reads('kubectl apply -f -', configMap({ colour: 'red' }), /^configmap\/paint created$/m),
    reads('kubectl apply -f -', configMap({ colour: 'red' }), /^configmap\/paint unchanged$/m),
    reads(
      'kubectl diff -f -; test $? = 1',
      configMap({ colour: 'blue' }),
      /^-\s+colour: red$/m,
      /^\+\s+colour: blue$/m,
    ),
    reads(
      'kubectl apply --dry-run=server -f -',
      configMap({ colour: 'blue' }),
      /configured \(server dry run\)/,
    ),
    reads(
      'kubectl apply -f -',
      configMap({ colour: 'blue', shade: 'dark' }),
      /^configmap\/paint configured$/m,
    ),
    reads('kubectl apply -f -', configMap({ shade: 'dark' }), /^configmap\/paint configured$/m),
    shows("kubectl get configmap paint -o jsonpath='{.data}'", /^\{"shade":"dark"\}$/),
    shows('kubectl apply view-last-applied configmap/paint', /shade: dark/),
    reads(
      'kubectl apply --server-side --field-manager=other --force-conflicts -f -',
      configMap({ shade: 'light' }),
      /serverside-applied/,
    ),
    {
      ...reads('kubectl apply --server-side --field-manager=third -f -', configMap({ shade: 'none' })),
      fails: /conflict with "other".*\.data\.shade|conflict/s,
    },
    shows('kubectl get configmap paint -o yaml --show-managed-fields', /manager: other/, /operation: Apply/),
    reads(
      'kubectl apply --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap -f -',
      labelled('kept') + labelled('gone'),
      /configmap\/gone created/,
    ),
    reads(
      'kubectl apply --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap -f -',
      labelled('kept'),
      /configmap\/gone pruned/,
    ),
    shows('kubectl get configmap -l set=pruned -o name', /^configmap\/kept\n$/),
    shows("EDITOR='sed -i s/light/edited/' kubectl edit configmap paint", /configmap\/paint edited/),
    shows(
      "EDITOR='sed -i s/edited/twice/' kubectl edit configmap/paint configmap/kept",
      /configmap\/paint edited/,
      /configmap\/kept skipped/,
    ),
    shows("EDITOR='sed -i s/twice/edited/' kubectl edit configmap/paint", /configmap\/paint edited/),
    shows(
      "EDITOR='sed -i s/nothing/else/' kubectl edit configmap paint 2>&1",
      /Edit cancelled, no changes made/,
    ),
    reads(
      'kubectl apply -f -',
      `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: listed}}\n`,
      /^configmap\/listed created$/m,
    ),
    shows("kubectl get configmap paint -o jsonpath='{.data.shade}'", /^edited$/),
    shows(`kubectl patch configmap paint -p '{"data":{"a":"1"}}'`, /configmap\/paint patched/),
    shows(
      `kubectl patch configmap paint --type=merge -p '{"data":{"shade":null}}'`,
      /configmap\/paint patched/,
    ),
    shows(
      `kubectl patch configmap paint --type=json -p '[{"op":"replace","path":"/data/a","value":"2"}]'`,
      /patched/,
    ),
    shows("kubectl get configmap paint -o jsonpath='{.data}'", /^\{"a":"2"\}$/),
    shows('kubectl annotate configmap paint note=hello', /configmap\/paint annotated/),
    fails(
      'kubectl annotate configmap paint note=other',
      /--overwrite is false but found the following declared annotation/,
    ),
    shows('kubectl annotate configmap paint note-', /configmap\/paint annotated/),
    shows(
      'kubectl label configmap paint --overwrite a=b && kubectl label configmap paint a-',
      /labeled/,
      /unlabeled/,
    ),
    shows(
      'kubectl get configmap paint -o json | sed s/\\"2\\"/\\"3\\"/ | kubectl replace -f -',
      /configmap\/paint replaced/,
    ),
    shows("kubectl get configmap paint -o jsonpath='{.data.a}'", /^3$/),
    shows(
      'kubectl get configmap paint -o json | kubectl replace --force -f -',
      /deleted/,
      /configmap\/paint replaced/,
    ),
    shows(
      'kubectl create -f - --dry-run=client -o yaml < /dev/null; kubectl create namespace x --dry-run=client -o name',
      /namespace\/x/,
    ),
    reads(
      'kubectl create --validate=strict -f - 2>&1; test $? = 1',
      configMap({}).replace('\ndata:', '\ndaat:'),
      /unknown field "daat"/,
    ),
    shows('kubectl delete configmap --all', /configmap "paint" deleted/),
  ],
  'auth, config, events of the API itself': [
    comesToShow(
      'kubectl top node',
      /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\)\s*\n\S+ +\d+m +\d+% +\d+Mi +\d+%/,
    ),
    shows(
      'kubectl create ingress front --rule=a.b/c=web:80 && kubectl get ingress',
      /^front +<none> +a\.b +80 +\d+s$/m,
    ),
    shows('kubectl delete ingress front', /deleted/),
    shows('kubectl get configmap -A -o name --request-timeout=5s', /configmap\/kube-root-ca\.crt/),
    shows(
      'kubectl cluster-info dump --output-directory=dump && ls dump/kube-system',
      /Cluster info dumped to dump/,
      /^services\.json$/m,
    ),
    fails(
      'kubectl certificate approve nobody',
      /certificatesigningrequests\.certificates\.k8s\.io "nobody" not found/,
    ),
    shows('kubectl auth can-i create pods', /^yes$/m),
    shows('kubectl auth can-i create pods --as=system:serviceaccount:$NS:default; true', /^no/m),
    shows('kubectl auth can-i --list', /\*\.\*/),
    shows('kubectl auth whoami', /Username +kubernetes-admin/, /system:masters/),
    shows(
      'kubectl create role reader --verb=get,list --resource=pods',
      /role\.rbac\.authorization\.k8s\.io\/reader created/,
    ),
    shows(
      'kubectl create rolebinding readers --role=reader --serviceaccount=$NS:default',
      /rolebinding.* created/,
    ),
    shows('kubectl auth can-i list pods --as=system:serviceaccount:$NS:default', /^yes$/m),
    fails(
      'kubectl get secrets --as=system:serviceaccount:$NS:default',
      /secrets is forbidden: User "system:serviceaccount:.*:default" cannot list resource "secrets" in API group "" in the namespace/,
    ),
    shows('kubectl get pods --token=$(kubectl create token default) 2>&1', /No resources found/),
    shows('kubectl config current-context', /\S/),
    shows('kubectl config view --minify', /namespace: t/),
    shows('kubectl config get-contexts', /^\*/m),
    shows(
      'kubectl delete configmap --all && kubectl create quota few --hard=configmaps=2',
      /resourcequota\/few created/,
    ),
    comesToShow('kubectl describe quota few', /configmaps +[01] +2/),
    shows('kubectl create configmap fits', /created/),
    fails(
      'kubectl create configmap over',
      /exceeded quota: few, requested: configmaps=1, used: configmaps=2, limited: configmaps=2/,
    ),
    shows('kubectl delete quota,configmap,role,rolebinding --all', /deleted/),
  ],
};

function configMap(data: Readonly<Record<string, string>>): string {
  const lines = Object.entries(data).map(([key, value]) => `  ${key}: ${value}\n`);
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: paint\ndata:${lines.length === 0 ? ' {}' : ''}\n${lines.join('')}`;
}

function labelled(name: string): string {
  return `---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  labels:\n    set: pruned\n`;
}
