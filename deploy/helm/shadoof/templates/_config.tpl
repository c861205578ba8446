{{/* shadoof.yaml. `serve` listens on all addresses of its pod, unless somebody said otherwise: probes come from outside. */}}
{{- define "shadoof.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.serve.enabled -}}
{{- $config = merge $config (dict "admin" (dict "listen" (printf ":%d" (int .Values.serve.port)))) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Changes when what the pods read has changed. */}}
{{- define "shadoof.checksum" -}}
{{- if .Values.existingConfigMap -}}
{{- /* A ConfigMap of others cannot be followed. */ -}}
{{- else -}}
{{- printf "%s\n%s" (include "shadoof.config" .) (toYaml .Values.files) | sha256sum -}}
{{- end -}}
{{- end -}}

{{- define "shadoof.grace" -}}
{{- $grace := dig "shutdown_grace" .Values.shutdownGrace .Values.config -}}
{{- /* What was staged is taken back for up to 20 s after the grace; 5 s are for the rest. */ -}}
{{- add (include "shadoof.seconds" $grace | int64) 25 -}}
{{- end -}}
