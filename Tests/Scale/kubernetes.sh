#!/bin/sh
# kubernetes.sh: the manifests against the schemas of the API, which kubernetes-validate from PyPI carries (KubeRay's are not
# among them, the pods of a RayJob are), and their commands run without Kubernetes. LECTOR is the program to test.
set -eu
cd "$(dirname "$0")/../.."
. Tests/Scale/engines.sh
need_python kubernetes 'kubernetes-validate==1.37.*'
for version in 1.33 1.37; do
    "$venv/bin/kubernetes-validate" --strict --quiet -k $version integrations/kubernetes/*.yaml
done
folder=$(mktemp -d /tmp/lector-kubernetes-XXXX)
trap 'rm -rf "$folder"' EXIT
"$venv/bin/python" Tests/Scale/kubernetes.py "$folder"
