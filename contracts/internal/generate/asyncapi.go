package main

import "waybill.dev/contracts"

// asyncAPI is an AsyncAPI 3.0 document of all topics: a channel a topic, with the message that travels on it.
func (t types) asyncAPI(events []contracts.Event) (object, error) {
	channels, operations, messages := object{}, object{}, object{}
	for _, event := range events {
		name, declared, err := t.of(event)
		if err != nil {
			return nil, err
		}
		schema, err := t.structSchema(declared)
		if err != nil {
			return nil, err
		}
		topic := event.Type().Topic()
		channels[name] = object{
			"address":  topic,
			"messages": object{name: object{"$ref": "#/components/messages/" + name}},
			"bindings": object{"kafka": object{"topic": topic, "partitions": contracts.Partitions}},
		}
		operations["say"+name] = object{
			"action": "send", "summary": "Said by " + domain(event.Type()) + ".",
			"channel": object{"$ref": "#/channels/" + name},
		}
		messages[name] = object{
			"name": string(event.Type()), "title": name, "summary": declared.doc, "contentType": "application/json",
			"headers": headers(event.Type()), "payload": schema,
			"bindings": object{"kafka": object{"key": object{"type": "string", "description": "The order's id."}}},
		}
	}
	return object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "Waybill", "version": "1",
			"description": "The integration events of Waybill: CloudEvents 1.0 in the Kafka protocol binding, binary mode.",
		},
		"channels": channels, "operations": operations, "components": object{"messages": messages},
	}, nil
}

// headers is the schema of the CloudEvents attributes as Kafka headers.
func headers(t contracts.Type) object {
	properties := object{contracts.HeaderType: object{"const": string(t)}, contracts.HeaderSpecVersion: object{"const": "1.0"}}
	required := []string{contracts.HeaderType, contracts.HeaderSpecVersion}
	for _, h := range []string{
		contracts.HeaderID, contracts.HeaderSource, contracts.HeaderSubject, contracts.HeaderTime, contracts.HeaderTenant,
		contracts.HeaderCorrelationID, contracts.HeaderCausationID, contracts.HeaderPartitionKey, contracts.HeaderSequence,
	} {
		properties[h] = object{"type": "string"}
		required = append(required, h)
	}
	properties[contracts.HeaderTraceParent] = object{"type": "string"}
	return object{"type": "object", "properties": properties, "required": required}
}
