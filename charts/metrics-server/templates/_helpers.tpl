{{/* The chart's name, in labels. */}}
{{- define "metrics-server.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of most objects. A release called as the chart is does not repeat it. */}}
{{- define "metrics-server.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $both | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "metrics-server.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "metrics-server.serviceAccountName" -}}
{{- $default := .Values.serviceAccount.create | ternary (include "metrics-server.fullname" .) "default" }}
{{- .Values.serviceAccount.name | default $default }}
{{- end }}

{{/*
What the Deployment's selector has. Selectors are immutable: these two are the Go server's chart's, so that
a release of it can be upgraded, and values must not add to them.
*/}}
{{- define "metrics-server.selectorLabels" -}}
app.kubernetes.io/name: {{ include "metrics-server.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. Takes a list: the root, and maps of further labels, of which the last one counts. */}}
{{- define "metrics-server.labelsAnd" -}}
{{- $root := first . }}
{{- $labels := include "metrics-server.selectorLabels" $root | fromYaml }}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- $_ := set $labels "helm.sh/chart" $chart }}
{{- $_ := set $labels "app.kubernetes.io/version" $root.Chart.AppVersion }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- range prepend (rest .) $root.Values.commonLabels }}
{{- $labels = mergeOverwrite $labels (. | default dict) }}
{{- end }}
{{- toYaml $labels }}
{{- end }}

{{- define "metrics-server.labels" -}}
{{- include "metrics-server.labelsAnd" (list .) }}
{{- end }}

{{- define "metrics-server.image" -}}
{{- $tag := .Values.image.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- .Values.image.repository }}:{{ $tag }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The names that clients in the cluster know the server by, in its certificate. */}}
{{- define "metrics-server.dnsNames" -}}
{{- $service := printf "%s.%s" (include "metrics-server.fullname" .) (include "metrics-server.namespace" .) -}}
- {{ $service }}
- {{ $service }}.svc
- {{ $service }}.svc.{{ .Values.tls.clusterDomain }}
{{- end }}

{{- define "metrics-server.tlsSecret" -}}
{{- $own := include "metrics-server.fullname" . }}
{{- eq .Values.tls.type "existingSecret" | ternary (.Values.tls.existingSecret.name | default $own) $own }}
{{- end }}

{{/* The subjects of all bindings. */}}
{{- define "metrics-server.subjects" -}}
- kind: ServiceAccount
  name: {{ include "metrics-server.serviceAccountName" . }}
  namespace: {{ include "metrics-server.namespace" . }}
{{- end }}

{{/* Values that mean something to this chart, for NOTES.txt. */}}
{{- define "metrics-server.knownValues" -}}
addonResizer affinity apiService args commonLabels containerPort defaultArgs deploymentAnnotations dnsConfig
extraVolumeMounts extraVolumes fullnameOverride global hostAliases hostNetwork hostUsers image imagePullSecrets
livenessProbe metrics nameOverride namespaceOverride networkPolicy nodeSelector podAnnotations
podDisruptionBudget podLabels podSecurityContext priorityClassName rbac readinessProbe replicas resources
revisionHistoryLimit schedulerName securityContext service serviceAccount serviceMonitor tls tmpVolume
tolerations topologySpreadConstraints updateStrategy
{{- end }}
