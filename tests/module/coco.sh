#!/bin/sh
# chio-hsm coco: the command lines for helm and kubectl, what is made of their answers, and the pod. A scripted stand-in
# records and answers; the real helm and kubectl judge where they are at hand.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
hsm=$abs_top_builddir/tools/chio-hsm
export SCRIPT_DIR="$work/script"
mkdir "$SCRIPT_DIR" bin
ln -s "$abs_top_srcdir/tests/support/scripted_tool" bin/helm
ln -s "$abs_top_srcdir/tests/support/scripted_tool" bin/kubectl
real_path=$PATH
PATH=$work/bin:$PATH

json() { # FILE EXPRESSION: of the parsed value j
  python3 -c 'import json,sys; j=json.load(open(sys.argv[1])); sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)' "$1" "$2"
}
answer() { # NAME.VERB.WHAT TEXT
  printf '%s\n' "$2" >"$SCRIPT_DIR/$1"
}
calls() {
  cat "$SCRIPT_DIR/$1.calls"
  rm -f "$SCRIPT_DIR/$1.calls"
}

# ---- Install and uninstall ----
install='install coco oci://ghcr.io/confidential-containers/charts/confidential-containers --version 0.18.0 --set kata-as-coco-runtime.k8sDistribution=k3s --namespace coco-system --create-namespace --wait --timeout 5m'
is "a dry run prints the command line" "helm $install" "$("$hsm" coco install --dry-run)"
is "with the programs and the cluster that are named" "/opt/helm $install --kubeconfig /etc/k3s.yaml" \
  "$("$hsm" coco install --dry-run --helm /opt/helm --kubeconfig /etc/k3s.yaml)"
is "that of uninstall too" "helm uninstall coco --namespace coco-system --kubeconfig k" \
  "$("$hsm" coco uninstall --dry-run --kubeconfig k)"
"$hsm" coco install --dry-run --json --kubeconfig "a b" >dry.json
check "in JSON the arguments stand one by one" json dry.json \
  'j["arguments"][0] == "helm" and j["arguments"][-1] == "a b" and j["command"].endswith("--kubeconfig a b")'
refute "and runs nothing" test -e "$SCRIPT_DIR/helm.calls"

answer helm.install.out "STATUS: deployed"
answer helm.install.err "a warning"
is "what helm says is shown, its errors too" "STATUS: deployed
a warning" "$("$hsm" coco install --kubeconfig "a b; \$(touch pwned)")"
is "each argument arrives as it is, by no shell" \
  "$(for word in $install; do printf '[%s]' "$word"; done)[--kubeconfig][a b; \$(touch pwned)]" "$(calls helm)"
"$hsm" coco install --json >install.json
check "in JSON" json install.json '"STATUS: deployed" in j["output"]'
answer helm.install.status 3
"$hsm" coco install >out 2>err
is "a failure of helm is one" 1 $?
contains "named with its exit status" "coco: helm install failed: exit status 3" "$(cat err)"
contains "beside what it said" "STATUS: deployed" "$(cat out)"
"$hsm" coco install --json >failed.json 2>err
check "in JSON" json failed.json '"exit status 3" in j["message"]'
answer helm.uninstall.status 1
contains "uninstall fails by its own name" "coco: helm uninstall failed: exit status 1" "$("$hsm" coco uninstall 2>&1)"
contains "a helm that is not there is named" "/nonexistent/helm cannot be started" \
  "$("$hsm" coco install --helm /nonexistent/helm 2>&1)"
"$hsm" coco install --runtime-class none >/dev/null 2>&1
is "an option of another command is refused" 2 $?

# ---- Check ----
rm -f "$SCRIPT_DIR"/*
answer helm.status.status 1
answer kubectl.get.out ""
"$hsm" coco check --json >check.json 2>err
is "a cluster without it is an answer, not an error" 0 $?
check "of the members that are never omitted" json check.json \
  'set(j) == {"installed", "operator_ready", "kvm_available"} and not j["installed"] and not j["operator_ready"]'
is "helm was asked for the release's state" "[status][coco][--namespace][coco-system][--output][json]" "$(calls helm)"
is "and kubectl for the classes" "[get][runtimeclasses][-o][jsonpath={.items[*].metadata.name}]" "$(calls kubectl)"
kvm=False
if [ -c /dev/kvm ]; then kvm=True; fi
check "whether this machine has KVM" json check.json "j['kvm_available'] == $kvm"

rm -f "$SCRIPT_DIR"/*
answer helm.status.out '{"name":"coco","info":{"status":"deployed"}}'
answer helm.list.out '[{"name":"coco","chart":"confidential-containers-0.17.2"}]'
answer kubectl.get.out 'kata-qemu-snp nvidia kata-qemu-coco-dev katana'
"$hsm" coco check --json --kubeconfig k3s.yaml >check.json 2>err
check "installed: the chart's own version, the namespace, and the classes that begin with kata-" json check.json \
  'j["installed"] and j["operator_ready"] and j["version"] == "0.17.2" and j["namespace"] == "coco-system" and
   j["runtime_classes"] == ["kata-qemu-snp", "kata-qemu-coco-dev"]'
contains "of the cluster that is named" "[--kubeconfig][k3s.yaml]" "$(calls kubectl)"
answer helm.status.out '{"info":{"status":"deployed"},"chart":{"metadata":{"version":"0.19.1"}}}'
rm -f "$SCRIPT_DIR/helm.calls"
"$hsm" coco check --json >check.json
check "a helm that names the chart with the state need not be asked twice" json check.json 'j["version"] == "0.19.1"'
lacks "and is not" "[list]" "$(calls helm)"
answer helm.status.out '{"info":{"status":"deployed"}}'
answer helm.list.out 'no JSON'
"$hsm" coco check --json >check.json
check "a version that nobody says is not made up" json check.json 'j["installed"] and "version" not in j'
for state in failed pending-install uninstalling; do
  answer helm.status.out "{\"info\":{\"status\":\"$state\"}}"
  "$hsm" coco check --json >check.json
  check "a release that is $state is not installed" json check.json 'not j["installed"] and "namespace" not in j'
  contains "which is said" "the release is '$state'" "$("$hsm" coco check)"
done
answer kubectl.get.status 1
"$hsm" coco check --json >check.json
is "a kubectl that fails is passed over" 0 $?
check "and says nothing of classes" json check.json '"runtime_classes" not in j'
for text in '' '[]' '{"info":[]}' '{"info":{"status":7}}' '{"info":{"status":"deployed"}' "$(printf '%0100d' 0)"; do
  answer helm.status.out "$text"
  "$hsm" coco check --json >check.json 2>/dev/null
  check "an answer that is none is no installation: $(printf %.30s "$text")" json check.json 'not j["installed"]'
done
python3 -c 'print("{\"info\":{\"status\":\"deployed\"},\"x\":\"" + "y" * 2000000 + "\"}")' >"$SCRIPT_DIR/helm.status.out"
"$hsm" coco check --json >check.json 2>err
check "nor one that does not end" json check.json 'not j["installed"]'
contains "which is said" "wrote more than 1048576 bytes" "$(cat err)"

# ---- A signal ends helm too ----
rm -f "$SCRIPT_DIR"/*
: >"$SCRIPT_DIR/helm.install.hang"
"$hsm" coco install >/dev/null 2>&1 &
pid=$!
tries=600
until [ -s "$SCRIPT_DIR/helm.pid" ] || [ $tries = 0 ]; do
  sleep 0.1
  tries=$((tries - 1))
done
kill -TERM $pid
wait $pid
is "chio-hsm ends by the signal that it gets" 143 $?
gone() {
  gone_tries=600
  while kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; do
    gone_tries=$((gone_tries - 1))
    [ $gone_tries -gt 0 ] || return 1
    sleep 0.1
  done
}
check "helm ends with it" gone "$(cat "$SCRIPT_DIR/helm.pid")"
check "and so does what helm had started" gone "$(cat "$SCRIPT_DIR/helm.child")"

# ---- The pod ----
"$hsm" coco manifest --runtime-class kata-qemu-foo >out 2>err
is "an unknown class is refused" 2 $?
contains "and the three are listed" "kata-qemu-coco-dev, kata-qemu-snp, kata-qemu-tdx" "$(cat err)"
for image in '' 'a b' '-x' 'a
b' 'x: y' '{a}' 'a:'; do
  refute "no name of an image: '$image'" "$hsm" coco manifest --image "$image"
done
for class in none kata-qemu-coco-dev kata-qemu-snp kata-qemu-tdx; do
  "$hsm" coco manifest --runtime-class $class --image registry.example.org/chio@sha256:00 -o $class.yaml
done
is "without an option there is no class" "$("$hsm" coco manifest)" "$("$hsm" coco manifest --runtime-class '')"
lacks "nor with none" runtimeClassName "$(cat none.yaml)"
for class in kata-qemu-coco-dev kata-qemu-snp kata-qemu-tdx; do
  contains "the pod is of the class $class" "
  runtimeClassName: $class
" "$(cat $class.yaml)"
done
contains "SEV-SNP where the guest has it" "--platform=snp" "$(cat kata-qemu-snp.yaml)"
contains "and TDX" "--platform=tdx" "$(cat kata-qemu-tdx.yaml)"
is "the page's pod is what is made" "$("$hsm" coco manifest --runtime-class kata-qemu-snp)" \
  "$(cat "$abs_top_srcdir/docs/coco-pod.yaml")"
if python3 -c 'import yaml' 2>/dev/null; then
  for class in none kata-qemu-coco-dev kata-qemu-snp kata-qemu-tdx; do
    check "the pod of $class is YAML, and what is mounted is a volume" python3 -c '
import sys, yaml
pod = yaml.safe_load(open(sys.argv[1]))
spec = pod["spec"]
assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
assert spec.get("runtimeClassName") == (None if sys.argv[2] == "none" else sys.argv[2])
containers = spec["containers"] + spec.get("initContainers", [])
assert {c["image"] for c in containers} == {"registry.example.org/chio@sha256:00"}
assert {m["name"] for c in containers for m in c["volumeMounts"]} == {v["name"] for v in spec["volumes"]}
assert not spec["automountServiceAccountToken"]
assert all(c["securityContext"]["capabilities"]["drop"] == ["ALL"] for c in containers)' $class.yaml $class
  done
else
  skip "the pods are YAML" "python3 has no yaml"
fi

# ---- The real ones ----
PATH=$real_path
if command -v kubectl >/dev/null 2>&1; then
  for class in none kata-qemu-coco-dev kata-qemu-snp kata-qemu-tdx; do
    is "kubectl takes the pod of $class for one" "pod/chiod" \
      "$(kubectl set image --local --dry-run=client -f $class.yaml chiod=other:1 -o name)"
  done
else
  skip "kubectl reads the pods" "kubectl is not here"
fi
helm=$(CHIO_TEST_INSTALL=${CHIO_TEST_INSTALL:-no} "$abs_top_srcdir/tests/support/helm") || {
  skip "the real helm" "$helm"
  plan
}
cat >release.yaml <<'Y'
- name: coco
  namespace: coco-system
  version: 1
  info: {status: deployed, first_deployed: "2026-01-01T00:00:00Z", last_deployed: "2026-01-01T00:00:00Z"}
  chart:
    metadata: {name: confidential-containers, version: 0.16.3, apiVersion: v2}
Y
export HELM_CACHE_HOME="$work/cache" HELM_CONFIG_HOME="$work/config" HELM_DATA_HOME="$work/data" HELM_DRIVER=memory
printf 'apiVersion: v1\nkind: Config\n' >kubeconfig
"$hsm" coco check --json --helm "$helm" --kubectl false --kubeconfig kubeconfig >check.json 2>/dev/null
check "the real helm, without a release" json check.json 'not j["installed"]'
export HELM_MEMORY_DRIVER_DATA="$work/release.yaml"
"$hsm" coco check --json --helm "$helm" --kubectl false --kubeconfig kubeconfig >check.json 2>/dev/null
check "and with one: what it prints is understood" json check.json 'j["installed"] and j["version"] == "0.16.3"'
contains "it uninstalls" 'release "coco" uninstalled' "$("$hsm" coco uninstall --helm "$helm" --kubeconfig kubeconfig 2>&1)"
# Nothing is fetched: a proxy that is not there stands before every registry.
said=$(https_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 "$hsm" coco install --helm "$helm" \
  --kubeconfig kubeconfig 2>&1)
contains "it takes the whole command line, up to the registry" "charts/confidential-containers/manifests/0.18.0" "$said"
contains "where it fails" "coco: helm install failed: exit status 1" "$said"
plan
