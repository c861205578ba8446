{{/* What the schema cannot say. */}}
{{- define "shadoof.check" -}}
{{- $v := .Values -}}
{{- if and $v.config $v.existingConfigMap -}}
{{- fail "config and existingConfigMap exclude each other" -}}
{{- end -}}
{{- if not (or $v.config $v.existingConfigMap) -}}
{{- fail "config or existingConfigMap must be set" -}}
{{- end -}}
{{- if and $v.files $v.existingConfigMap -}}
{{- fail "files go with config: put them into the ConfigMap that existingConfigMap names" -}}
{{- end -}}
{{- if hasKey $v.files "shadoof.yaml" -}}
{{- fail "files: shadoof.yaml is made from config" -}}
{{- end -}}
{{- $memory := dig "memory" nil $v.config -}}
{{- if and $memory (ne (include "shadoof.bytes" $memory) (include "shadoof.bytes" $v.memory)) -}}
{{- fail (printf "config.memory is %v, and memory, by which containers are limited, is %v: set memory alone" $memory $v.memory) -}}
{{- end -}}
{{- include "shadoof.noSecrets" (dict "at" "config" "value" $v.config) -}}
{{- $jobs := list -}}
{{- range dig "jobs" list $v.config -}}
{{- $jobs = append $jobs (dig "name" "" .) -}}
{{- end -}}
{{- range $name, $schedule := $v.schedules -}}
{{- if and (eq $name "gc") $v.gc.enabled -}}
{{- fail "schedules.gc: that name is taken by gc; set gc.enabled to false, or choose another" -}}
{{- end -}}
{{- range $job := default list $schedule.jobs -}}
{{- if and $v.config (not (has $job $jobs)) -}}
{{- fail (printf "schedules.%s.jobs: config has no job %q, only %s" $name $job (join ", " $jobs)) -}}
{{- end -}}
{{- end -}}
{{- if and $schedule.memory $memory (ne (include "shadoof.bytes" $memory) (include "shadoof.bytes" $schedule.memory)) -}}
{{- fail (printf "schedules.%s.memory is %v, and config.memory is %v: leave that out, then a container's limit decides" $name $schedule.memory $memory) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A password in the configuration would be in a ConfigMap, where everybody reads it. */}}
{{- define "shadoof.noSecrets" -}}
{{- $at := .at -}}
{{- if kindIs "map" .value -}}
{{- range $key, $value := .value -}}
{{- if and (or (hasSuffix "password" $key) (has $key (list "token" "secret" "secret_key"))) (kindIs "string" $value) $value (not (hasPrefix "${" $value)) -}}
{{- fail (printf "%s.%s would be written into a ConfigMap: use a *_file key with secretFiles, or ${NAME} with env" $at $key) -}}
{{- end -}}
{{- include "shadoof.noSecrets" (dict "at" (printf "%s.%s" $at $key) "value" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
