{{- define "shadoof.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* A CronJob's name has 52 characters at most: this, a hyphen, and the name of a schedule. */}}
{{- define "shadoof.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "shadoof.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "shadoof.selector" -}}
app.kubernetes.io/name: {{ include "shadoof.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "shadoof.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "shadoof.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "shadoof.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "shadoof.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "shadoof.image" -}}
{{- $repository := required "image.repository must be set: there is no public image; `make image` builds it" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "shadoof.configMap" -}}
{{- default (include "shadoof.fullname" .) .Values.existingConfigMap -}}
{{- end -}}

{{/* A file's name as a key of a ConfigMap, which may hold no slash. */}}
{{- define "shadoof.fileKey" -}}
{{- . | replace "/" "__" -}}
{{- end -}}
